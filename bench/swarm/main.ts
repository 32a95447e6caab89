/** `npm run bench:swarm`: real agents on this machine, measured as the simulator measures its own. */
import { type BenchArguments, parseArguments, usage } from './arguments.ts';
import { inOwnNetwork } from './network.ts';
import { runBench } from './run.ts';

const parse = (): BenchArguments => {
  try {
    return parseArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
};

const options = parse();
const exitCode = options.help ? undefined : await inOwnNetwork();
if (options.help) console.log(usage);
else if (exitCode !== undefined) process.exitCode = exitCode;
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
