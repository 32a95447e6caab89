import { writeFileSync } from 'node:fs';
import { parseArguments, type SimArguments, usage } from './arguments.ts';
import { plot } from './plot.ts';
import { progressBar } from './progress-bar.ts';
import { type Report, reportOf } from './report.ts';
import { scenarioOptions, scenarios } from './scenarios.ts';
import { sensitivityTable } from './sensitivities.ts';
import { World } from './world.ts';

const parse = (): SimArguments => {
  try {
    return parseArguments(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
};

const list = (): void => {
  for (const [name, { about }] of Object.entries(scenarios)) console.log(`${name.padEnd(16)} ${about}`);
};

const runAll = ({ scenario, worlds, scale, json, plot: file }: SimArguments): void => {
  const reports = worlds.map((seed) => {
    const startedMs = performance.now();
    const bar = progressBar(worlds.length > 1 ? `${scenario}, seed ${seed}` : scenario);
    const world = new World(scenarioOptions(scenario, seed, scale));
    world.run(bar.watch);
    bar.clear();
    const report = reportOf(scenario, world);
    if (file !== undefined) writeFileSync(file, plot(report, world));
    if (json) console.log(JSON.stringify(report));
    else {
      for (const [name, value] of Object.entries(report)) console.log(`${name.padEnd(16)} ${String(value)}`);
      console.log(`${'wall s'.padEnd(16)} ${((performance.now() - startedMs) / 1000).toFixed(1)}`);
    }
    return report;
  });
  if (!json && reports.length > 1) console.log(`medians: ${medians(reports).join(', ')}`);
};

/** Of what the bounds are held against. */
const medians = (reports: readonly Report[]): string[] =>
  (['makespanS', 'makespanRatio', 'p50Ratio', 'p99Ratio', 'p999Ratio', 'waveRatio', 'originCopies'] as const).map(
    (key) => {
      const values = reports.map((report) => report[key]).toSorted((a, b) => a - b);
      return `${key} ${values[Math.floor((values.length - 1) / 2)]}`;
    },
  );

const args = parse();
if (args.help) console.log(usage);
else if (args.list) list();
else if (args.sensitivity === undefined) runAll(args);
else {
  const done = (label: string): void => {
    if (process.stderr.isTTY) process.stderr.write(`\r${args.sensitivity}: ${label}\u001b[K`);
  };
  const table = sensitivityTable(args.sensitivity, args, done);
  done('done\n');
  console.log(table);
}
