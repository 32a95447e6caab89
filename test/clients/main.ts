/** `npm run test:clients`: the container clients of this machine against Shoal, while something fails. */
import { parseArguments, usage } from './arguments.ts';
import type { Cell } from './cell.ts';
import { docFile, writeMatrix } from './document.ts';
import { runMatrix } from './matrix.ts';
import { describeOutcome, markdown, problems } from './report.ts';

const refuse = (error: unknown): never => {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exit(2);
};

const options = await Promise.try(parseArguments, process.argv.slice(2)).catch(refuse);
if (options.help) console.log(usage);
else {
  const beganMs = performance.now();
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort(new Error(signal)));
  const done = ({ client, way, fault, outcome }: Cell): void =>
    console.log(`${client.padEnd(30)} ${way.padEnd(15)} ${fault.padEnd(20)} ${describeOutcome(outcome)}`);
  const matrix = await runMatrix(options, done, stop.signal);
  const text = markdown(matrix, new Date().toISOString().slice(0, 10));
  console.log(`\n${text}\n${matrix.cells.length} cells in ${Math.round((performance.now() - beganMs) / 1000)} s`);
  const found = problems(matrix);
  for (const problem of found) console.error(problem);
  process.exitCode = found.length === 0 && !stop.signal.aborted ? 0 : 1;
  if (options.whole && !stop.signal.aborted) {
    await writeMatrix(text);
    console.log(`written: ${docFile}`);
  }
}
