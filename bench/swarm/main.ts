/** `npm run bench:swarm`: real agents on this machine, measured as the simulator measures its own. */
import { optionsOf } from '../command-line.ts';
import { parseArguments, usage } from './arguments.ts';
import { inOwnNetwork } from './network.ts';
import { runBench } from './run.ts';

const options = optionsOf(parseArguments, usage);
const exitCode = await inOwnNetwork();
if (exitCode !== undefined) process.exitCode = exitCode;
else {
  try {
    const { report, problems } = await runBench(options);
    if (options.json) console.log(JSON.stringify(report));
    else for (const [name, value] of Object.entries(report)) console.log(`${name.padEnd(24)} ${String(value)}`);
    for (const problem of problems) console.error(problem);
    process.exitCode = problems.length === 0 ? 0 : 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 1;
  }
}
