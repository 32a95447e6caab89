/**
 * Micro-benchmarks of the hot functions, as ratios to a calibration loop, against the stored baseline.
 * `npm run bench -- [--json] [--only NAME,...] [--update]`; `--update` stores what was measured as the baseline.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { InvalidValueError } from '@shoal/core';
import { cases } from './cases.ts';
import { type Timing, timingOf } from './timing.ts';

interface Measured extends Timing {
  readonly what: string;
}

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: cases.map(({ name }) => name).join(',') },
    update: { type: 'boolean', default: false },
  },
});
const only = values.only.split(',');
for (const name of only) {
  const allowed = cases.map((known) => known.name);
  if (!allowed.includes(name)) throw new InvalidValueError('--only', name, `allowed are ${allowed.join(', ')}`);
}

const baselineFile = path.join(import.meta.dirname, 'baseline.json');
const baseline = JSON.parse(readFileSync(baselineFile, 'utf8')) as Record<string, number>;
const measured = Object.fromEntries(
  cases
    .filter(({ name }) => only.includes(name))
    .map(({ name, what, prepare }): [string, Measured] => [name, { ...timingOf(prepare()), what }]),
);

const changeOf = (name: string, { ratio }: Measured): number | undefined => {
  const former = baseline[name];
  return former === undefined ? undefined : ratio / former;
};

if (values.json) {
  const rows = Object.entries(measured).map(([name, row]) => [name, { ...row, toBaseline: changeOf(name, row) }]);
  console.log(JSON.stringify(Object.fromEntries(rows), null, 2));
} else {
  for (const [name, row] of Object.entries(measured)) {
    const change = changeOf(name, row);
    const beside = change === undefined ? 'no baseline' : `${change.toFixed(2)} of the baseline`;
    const figures = `${row.microseconds.toFixed(1).padStart(10)} us ${row.ratio.toFixed(2).padStart(9)} loops`;
    console.log(`${name.padEnd(14)}${figures}  ${beside.padEnd(22)} ${row.what}`);
  }
}
if (values.update) {
  const ratios = Object.entries(measured).map(([name, { ratio }]) => [name, Number(ratio.toPrecision(4))]);
  writeFileSync(baselineFile, `${JSON.stringify({ ...baseline, ...Object.fromEntries(ratios) }, null, 2)}\n`);
}
