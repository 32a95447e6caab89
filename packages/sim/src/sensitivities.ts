import { simulate } from './report.ts';
import { scenarioOptions, sizes } from './scenarios.ts';
import { pieceLengthFor } from '@shoal/core';
import type { PolicyOptions, WorldOptions } from './world-options.ts';

/** One choice of the policy: a scenario, and what is set in each row of its table. */
export interface Sensitivity {
  readonly scenario: string;
  readonly about: string;
  rows(base: WorldOptions): readonly { readonly label: string; readonly options: Partial<WorldOptions> }[];
}

/** Seeds from here on are for tables; those that results are reported on are below. */
const firstSeed = 1000;

const values = <T>(
  list: readonly T[],
  options: (value: T, base: WorldOptions) => Partial<WorldOptions>,
): Sensitivity['rows'] => {
  return (base) => list.map((value) => ({ label: String(value), options: options(value, base) }));
};

const policies = <K extends keyof PolicyOptions>(key: K, list: readonly PolicyOptions[K][]): Sensitivity['rows'] =>
  values(list, (value, { policy }) => ({ policy: { ...policy, [key]: value } }));

const flash = 'flash-5gb-1000';

export const sensitivities: Readonly<Record<string, Sensitivity>> = {
  outstanding: {
    scenario: flash,
    about: 'requests out at once (D)',
    rows: values([4, 6, 8, 12, 16, 20, 30, 40], (outstandingMax) => ({ leech: { outstandingMax } })),
  },
  neighbours: {
    scenario: flash,
    about: 'agents that an agent dials; it accepts four times as many',
    rows: values([3, 5, 10, 20], (dialMax, { policy }) => ({
      policy: { ...policy, dialMax, acceptMax: 4 * dialMax, topUpBelow: Math.round(1.5 * dialMax) },
    })),
  },
  'have-delay': {
    scenario: flash,
    about: 'ms that HAVE waits',
    rows: values([0, 0.5, 1, 2, 5], (haveDelayMs) => ({ haveDelayMs })),
  },
  latency: {
    scenario: flash,
    about: 'ms one way',
    rows: values([0.02, 0.05, 0.1, 0.25, 0.5, 1], (latencyMs) => ({ latencyMs })),
  },
  handout: {
    scenario: 'late-joiners',
    about: 'which agents the tracker names',
    rows: policies('handout', ['production', 'random', 'mostComplete']),
  },
  origin: {
    scenario: flash,
    about: 'who chooses what an origin sends',
    rows: policies('origin', ['superSeed', 'pull']),
  },
  'second-pieces': {
    scenario: 'small-layers',
    about: 'pieces of a blob that an origin sends again in any case',
    rows: values([0, 16, 64, 256], (secondPiecesMin) => ({ superSeed: { secondPiecesMin } })),
  },
  slots: {
    scenario: flash,
    about: 'uploads that always run, and at most',
    rows: values(
      [
        [1, 1],
        [1, 16],
        [2, 2],
        [2, 16],
        [3, 16],
        [4, 16],
        [8, 16],
        [16, 16],
      ] as const,
      ([activeMin, activeMax]) => ({ upload: { activeMin, activeMax } }),
    ),
  },
  pieces: {
    scenario: flash,
    about: 'pieces that a blob is cut into (target of the length policy)',
    rows: values([64, 256, 600, 1200, 2400, 4800], (piecesTarget, { blobs }) => ({
      blobs: blobs.map(({ bytes }) => ({
        bytes,
        pieceLength: pieceLengthFor(bytes, { piecesTarget, lengthMin: 256 * 1024, lengthMax: 128 * 1024 * 1024 }),
      })),
    })),
  },
  gateways: {
    scenario: 'zones-3',
    about: 'gateways a zone has (0: everybody may cross)',
    rows: values([0, 2, 5, 10, 20], (gateways) => ({ gateways })),
  },
  judge: {
    scenario: 'corrupt',
    about: 'pieces that an origin sends before it asks whether a piece reached others',
    rows: values([32, 64, 128, 256, 512, 1e9], (judgeAfter) => ({ superSeed: { judgeAfter } })),
  },
  detection: {
    scenario: 'churn',
    about: 'ms until a death is seen',
    rows: values([5, 20, 100, 200, 500, 60_000], (deathSeenMs) => ({ deathSeenMs })),
  },
  nodes: {
    scenario: 'huge-100gb',
    about: 'agents',
    rows: values([0.25, 0.5, 1, 2], (factor, { agents }) => ({ agents: Math.round(agents * factor) })),
  },
  'distinct-blobs': {
    scenario: 'many-blobs',
    about: 'blobs among which the downloads choose',
    rows: values([10, 20, 40, 80], (count) => ({ blobs: sizes(count, 100e6, 1e9, false) })),
  },
  hosts: {
    scenario: 'many-blobs',
    about: 'agents',
    rows: (base) =>
      [0.25, 0.5, 1, 2].map((factor) => {
        const agents = Math.max(1, Math.round(base.agents * factor));
        return { label: String(agents), options: { agents } };
      }),
  },
  'blobs-at-once': {
    scenario: 'many-blobs',
    about: 'blobs that a host downloads at once',
    rows: values([1, 3, 6, 10], (blobsAtOnce) => ({ blobsAtOnce })),
  },
};

/** A markdown table: the median over `seeds` seeds of every row. `done` hears of each world that ran. */
export const sensitivityTable = (
  name: string,
  { seeds, scale }: { seeds: number; scale: number },
  done: (label: string) => void = () => undefined,
): string => {
  const sensitivity = sensitivities[name];
  if (!sensitivity) throw new RangeError(`sensitivity: ${JSON.stringify(name)} is not known`);
  const { scenario, about, rows } = sensitivity;
  const base = scenarioOptions(scenario, firstSeed, scale);
  const lines = rows(base).map(({ label, options }) => {
    const reports = Array.from({ length: seeds }, (_, index) => {
      const report = simulate(scenario, { ...base, ...options, seed: firstSeed + index });
      done(`${label}, seed ${firstSeed + index}`);
      return report;
    });
    const cells = (
      ['p50Ratio', 'p99Ratio', 'makespanRatio', 'originCopies', 'duplicateRatio', 'crossZoneCopies'] as const
    ).map((key) => median(reports.map((report) => report[key])).toFixed(3));
    return `| ${label} | ${cells.join(' | ')} |`;
  });
  return [
    `${scenario}, ${base.agents} agents, median of ${seeds} seeds from ${firstSeed} on`,
    '',
    `| ${about} | p50 | p99 | makespan | origin copies | duplicates | cross-zone copies |`,
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
};

const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0;
