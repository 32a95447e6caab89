/**
 * Micro-benchmarks of the hot functions, as ratios to a calibration loop, against the stored baseline of the processor.
 * `npm run bench -- [--json] [--only NAME,...] [--update]`; `--update` stores what was measured as the baseline. Ends with 1
 * when a function takes much more than its baseline, twice in a row.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { optionsOf } from '../command-line.ts';
import { processor } from '../dataplane/machine.ts';
import { cases } from './cases.ts';
import { parseOptions, usageOf } from './options.ts';
import { type Timing, timingOf } from './timing.ts';

interface Measured extends Timing {
  readonly what: string;
}

const names = cases.map(({ name }) => name);
const options = optionsOf((args) => parseOptions(args, names), usageOf(names));

const baselineFile = path.join(import.meta.dirname, 'baseline.json');
/** By a part of the processor's name: what one is quick at another is not, up to a factor of two. */
const baselines = JSON.parse(readFileSync(baselineFile, 'utf8')) as Record<string, Record<string, number>>;
const family = Object.keys(baselines).find((part) => processor().includes(part)) ?? processor();
const baseline = baselines[family] ?? {};
/** Beyond this a function is slower, and not the machine another one or busy: beside much other work 1.9 was seen. */
const slowerRatio = 2;

const changeOf = (name: string, { ratio }: Measured): number | undefined => {
  const former = baseline[name];
  return former === undefined ? undefined : ratio / former;
};

const isSlower = (name: string, row: Measured): boolean => (changeOf(name, row) ?? 1) > slowerRatio;

const measureCase = ({ name, what, prepare }: (typeof cases)[number]): Measured => {
  const first = { ...timingOf(prepare()), what };
  if (!isSlower(name, first)) return first;
  const second = { ...timingOf(prepare()), what };
  return second.ratio < first.ratio ? second : first;
};

const measured = Object.fromEntries(
  cases.filter(({ name }) => options.only.includes(name)).map((known) => [known.name, measureCase(known)]),
);

if (options.json) {
  const rows = Object.entries(measured).map(([name, row]) => [name, { ...row, toBaseline: changeOf(name, row) }]);
  console.log(JSON.stringify(Object.fromEntries(rows), null, 2));
} else {
  for (const [name, row] of Object.entries(measured)) {
    const change = changeOf(name, row);
    const beside = change === undefined ? `no baseline for ${family}` : `${change.toFixed(2)} of the baseline`;
    const figures = `${row.microseconds.toFixed(1).padStart(10)} us ${row.ratio.toFixed(2).padStart(9)} loops`;
    console.log(`${name.padEnd(14)}${figures}  ${beside.padEnd(22)} ${row.what}`);
  }
}
const slower = Object.entries(measured).filter(([name, row]) => isSlower(name, row));
if (options.update) {
  const ratios = Object.entries(measured).map(([name, { ratio }]) => [name, Number(ratio.toPrecision(4))]);
  const updated = { ...baselines, [family]: { ...baseline, ...Object.fromEntries(ratios) } };
  writeFileSync(baselineFile, `${JSON.stringify(updated, null, 2)}\n`);
}
if (slower.length > 0 && !options.update) {
  console.error(`slower than ${slowerRatio} of the baseline: ${slower.map(([name]) => name).join(', ')}`);
  process.exitCode = 1;
}
