import { parseArgs } from 'node:util';
import { simulate } from './report.ts';
import { scenarioOptions, scenarios } from './scenarios.ts';

const usage = `usage: npm run sim -- --scenario NAME [--seed N] [--json] | --list
scenarios: ${Object.keys(scenarios).join(', ')}`;

const fail = (message: string): never => {
  console.error(`${message}\n${usage}`);
  process.exit(2);
};

const parse = (): { scenario: string; seed: string; json: boolean; list: boolean; help: boolean } => {
  try {
    return parseArgs({
      options: {
        scenario: { type: 'string', default: 'small-32' },
        seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error));
  }
};

const { scenario, seed, json, list, help } = parse();
if (help) console.log(usage);
else if (list) console.log(Object.keys(scenarios).join('\n'));
else {
  if (!/^\d{1,9}$/.test(seed))
    fail(`--seed: ${JSON.stringify(seed)} is not allowed; a whole number of up to 9 digits is`);
  if (!Object.hasOwn(scenarios, scenario)) fail(`--scenario: ${JSON.stringify(scenario)} is not known`);
  const startedMs = performance.now();
  const report = simulate(scenario, scenarioOptions(scenario, Number(seed)));
  if (json) console.log(JSON.stringify(report));
  else {
    for (const [name, value] of Object.entries(report)) console.log(`${name.padEnd(16)} ${String(value)}`);
    console.log(`${'wall ms'.padEnd(16)} ${Math.round(performance.now() - startedMs)}`);
  }
}
