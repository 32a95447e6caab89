/** `npm run demo`: pushes a generated image to a cluster of its own and pulls it through all agents at once. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { formatBytes, MiB, parseBytes } from '@shoal/core';
import { InvalidArgumentError, program } from 'commander';
import { Cluster } from './cluster/cluster.ts';
import { agentsMax } from './cluster/layout.ts';
import { readableLine } from './cluster/log-line.ts';
import { ended, lastWords } from './cluster/service-process.ts';
import { planLayers } from './demo/image.ts';
import { pushImage } from './demo/push.ts';
import { report } from './demo/report.ts';
import { problemsOf, runDemo } from './demo/run.ts';
import { wholeNumber } from './start/options.ts';

interface DemoOptions {
  readonly agents: number;
  readonly layers: number;
  readonly size: number;
  readonly seed: string;
}

const sizeOption = (raw: string): number => {
  try {
    return parseBytes(raw);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
};

program
  .name('npm run demo --')
  .description('Pushes a generated image to a cluster on this machine and pulls it through all of its agents at once.')
  .option('--agents <number>', 'how many agents', wholeNumber(1, agentsMax), 8)
  .option('--size <bytes>', 'size of the image, such as 256MiB', sizeOption, 256 * MiB)
  .option('--layers <number>', 'how many layers', wholeNumber(1, 50), 4)
  .option('--seed <text>', 'the same seed gives the same image', randomBytes(8).toString('hex'))
  .parse();

const options = program.opts<DemoOptions>();

/** Rejects when a process dies or the run is interrupted; whatever runs is then taken down. */
const trouble = Promise.withResolvers<never>();
trouble.promise.catch(() => undefined);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => trouble.reject(new Error('interrupted')));
}

const startCluster = (data: string): Promise<Cluster> =>
  Cluster.start({
    agents: options.agents,
    basePort: 'free',
    data,
    onLine: ({ name }, line) => {
      const readable = readableLine(name, line, 'warn');
      if (readable !== undefined) console.error(readable);
    },
    onDeath: (node, status, lastLines) =>
      trouble.reject(new Error(`${node.name} ${ended(status)}. ${lastWords(node, lastLines)}`)),
  });

const runIn = async (data: string): Promise<string[]> => {
  console.log(`Starting an origin, a tracker and ${options.agents} agents in ${data}`);
  await using cluster = await startCluster(data);
  console.log(`Pushing an image of ${formatBytes(options.size)} in ${options.layers} layers (seed ${options.seed})`);
  const layers = planLayers(options.size, options.layers);
  const push = pushImage(cluster.origin.url, { repository: 'demo/image', tag: 'latest', layers, seed: options.seed });
  const image = await Promise.race([push, trouble.promise]);
  console.log(`Pulling it through ${options.agents} agents at once`);
  const result = await Promise.race([runDemo(cluster, image), trouble.promise]);
  console.log(`\n${report(result).join('\n')}`);
  return problemsOf(result);
};

const folder = await mkdtemp(path.join(tmpdir(), 'shoal-demo-'));
try {
  const problems = await runIn(folder);
  for (const problem of problems) console.error(problem);
  console.log(problems.length === 0 ? '\nAll digests are right.' : '\nFAILED');
  process.exitCode = problems.length === 0 ? 0 : 1;
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}
