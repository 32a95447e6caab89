import { formatBytes } from '@shoal/core';
import type { Figures } from './figures.ts';
import type { Machine } from './machine.ts';
import { judge, type Target, targets, type Verdict } from './targets.ts';

export interface Outcome {
  readonly machine: Machine;
  readonly blobBytes: number;
  readonly runs: number;
  /** Where the agents' caches were. */
  readonly caches: string;
  readonly figures: Figures;
  /** Of the conditions that a target may name, those that do not hold, and why. */
  readonly unavailable: ReadonlyMap<string, string>;
}

export const asJson = ({ machine, blobBytes, runs, caches, figures, unavailable }: Outcome): string => {
  const verdicts = targets.map(
    (target) =>
      judge(target, figures, unavailable) ?? {
        ...target,
        met: null,
        unavailable: target.when && unavailable.get(target.when),
      },
  );
  return JSON.stringify(
    { machine, blobBytes, runs, caches, figures: [...figures], targets: verdicts, skipped: figures.skipped },
    null,
    2,
  );
};

export const asText = (outcome: Outcome): string => {
  const { machine, figures } = outcome;
  const { cpu, cores, kernel, congestionControl, node, loadBefore } = machine;
  return [
    `${cpu}, ${cores} cores, Linux ${kernel}, congestion control ${congestionControl}, Node ${node}, load before ${loadBefore.toFixed(2)}`,
    `${outcome.runs} runs of ${formatBytes(outcome.blobBytes)}; caches in ${outcome.caches}; medians, lowest and highest`,
    '',
    ...[...figures].map(({ name, median, min, max }) =>
      [name.padEnd(46), round(median).padStart(9), `${round(min)} .. ${round(max)}`.padStart(22)].join(''),
    ),
    '',
    ...targets.map((target) => verdictLine(target, outcome)),
    ...figures.skipped.map((reason) => `skipped: ${reason}`),
  ].join('\n');
};

/** `not available`: this machine has no such way; `not measured`: this, or what it is compared with, did not run. */
const verdictLine = (target: Target, { figures, unavailable }: Outcome): string => {
  const verdict = judge(target, figures, unavailable);
  const what = `${target.figure}${target.when ? ` (${target.when})` : ''} ${target.sense} ${limitOf(target, verdict)}`;
  const why = target.when && unavailable.get(target.when);
  if (!verdict) return why === undefined ? `not measured    ${what}` : `not available   ${what}: ${why}`;
  const off = Math.abs(verdict.ratio - 1) * 100;
  const result = verdict.met ? 'met' : `missed by ${off < 10 ? off.toFixed(1) : Math.round(off)} %`;
  return `${result.padEnd(16)}${what}: ${round(verdict.measured)}`;
};

const limitOf = ({ limit }: Target, verdict: Verdict | undefined): string =>
  typeof limit === 'number'
    ? `${limit}`
    : `${limit.times} x ${limit.of}${verdict ? ` (${round(verdict.allowed)})` : ''}`;

/** Three digits. */
export const round = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
