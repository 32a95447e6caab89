import { lowerBoundMs } from './bound.ts';
import { World } from './world.ts';
import type { WorldOptions } from './world-options.ts';

/** What one world came to. Ratios are to the lower bound (bound.ts), copies to the blob's size. */
export interface Report {
  readonly scenario: string;
  readonly seed: number;
  readonly completed: number;
  readonly makespanMs: number;
  readonly boundMs: number;
  readonly ratio: number;
  readonly p50Ratio: number;
  readonly originCopies: number;
  /** Bytes that agents got and did not need, to the bytes they needed. */
  readonly duplicateRatio: number;
  readonly corruptPieces: number;
  readonly peersDropped: number;
  readonly refusals: number;
  readonly requests: number;
  readonly cancels: number;
  readonly events: number;
  /** Hash of everything that happened. */
  readonly trace: string;
}

export const simulate = (scenario: string, options: WorldOptions): Report => {
  const world = new World(options);
  world.run();
  const { tally, agents, events } = world;
  const bytes = options.pieceCount * options.pieceLength;
  const boundMs = lowerBoundMs({ ...options, bytes });
  const doneMs = agents
    .flatMap(({ alive, doneMs: ms }) => (alive && ms !== undefined ? [ms] : []))
    .toSorted((a, b) => a - b);
  const makespanMs = doneMs.at(-1) ?? 0;
  return {
    scenario,
    seed: options.seed,
    completed: doneMs.length,
    makespanMs: round(makespanMs),
    boundMs: round(boundMs),
    ratio: round(makespanMs / boundMs),
    p50Ratio: round((doneMs[Math.floor(doneMs.length / 2)] ?? 0) / boundMs),
    originCopies: round(tally.originBytes / bytes),
    duplicateRatio: round(tally.wastedBytes / (bytes * options.agents)),
    corruptPieces: tally.corruptPieces,
    peersDropped: tally.dropped,
    refusals: tally.refusals,
    requests: tally.requests,
    cancels: tally.cancels,
    events: events.count,
    trace: tally.trace,
  };
};

const round = (value: number): number => Math.round(value * 1000) / 1000;
