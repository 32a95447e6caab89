/** `npm start`: a cluster on this machine until Ctrl-C. */
import path from 'node:path';
import { InvalidArgumentError, program } from 'commander';
import { Cluster, PortInUseError } from './cluster/cluster.ts';
import { agentsMax, type NodeLayout } from './cluster/layout.ts';
import { readableLine } from './cluster/log-line.ts';
import { ended, type ExitStatus, lastWords, restartCommand } from './cluster/service-process.ts';
import { banner } from './start/banner.ts';
import { wholeNumber } from './start/options.ts';

interface StartOptions {
  readonly agents: number;
  readonly basePort: number;
  readonly data: string;
  readonly redis?: string;
  readonly verbose?: true;
}

const redisUrl = (raw: string): string => {
  if (!/^rediss?:\/\/./.test(raw)) throw new InvalidArgumentError('allowed is redis://host:port or rediss://host:port');
  return raw;
};

program
  .name('npm start --')
  .description('Starts an origin, a tracker and agents on this machine and stops them on Ctrl-C.')
  .option('--agents <number>', 'how many agents', wholeNumber(1, agentsMax), 3)
  .option('--redis <url>', 'keep the peers of the tracker in this Redis instead of in memory', redisUrl)
  .option('--data <folder>', 'where the processes keep their files', '.shoal')
  .option('--base-port <port>', 'the first port; each process takes a block of ten', wholeNumber(1024, 60_000), 7000)
  .option('--verbose', 'show every line of the logs, not only warnings')
  .parse();

const options = program.opts<StartOptions>();
const data = path.resolve(options.data);
const levelMin = options.verbose ? 'trace' : 'warn';
const stopRequested = Promise.withResolvers<'asked' | 'died'>();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stopRequested.resolve('asked'));
}

/** Stopping one process is how a person sees that the others go on, so they do; only the last one ends the launcher. */
const obituary = (node: NodeLayout, status: ExitStatus, lastLines: readonly string[]): string =>
  [
    `\n${node.name} ${ended(status)}${status.code === 0 ? '' : `. ${lastWords(node, lastLines)}`}`,
    'The others go on. To start it again, in another terminal:',
    `  ${restartCommand(node)}`,
  ].join('\n');

const run = async (): Promise<number> => {
  let diedMax = options.agents + 2;
  console.log(`Starting an origin, a tracker and ${options.agents} agents ...`);
  const starting = Cluster.start({
    agents: options.agents,
    data,
    basePort: options.basePort,
    redis: options.redis,
    onLine: ({ name }, line) => {
      const readable = readableLine(name, line, levelMin);
      if (readable !== undefined) console.error(readable);
    },
    onDeath: (node, status, lastLines) => {
      console.error(obituary(node, status, lastLines));
      diedMax--;
      if (diedMax === 0) stopRequested.resolve('died');
    },
  });
  const cluster = await starting;
  console.log(banner(cluster, data));
  const reason = await stopRequested.promise;
  console.log('\nStopping ...');
  await cluster.stop();
  console.log('Stopped.');
  return reason === 'asked' ? 0 : 1;
};

try {
  process.exitCode = await run();
} catch (error) {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  if (error instanceof PortInUseError)
    console.error('Stop what listens there, or choose other ports with --base-port.');
  process.exitCode = 1;
}
