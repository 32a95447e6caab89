import { pieceCountOf } from '@shoal/core';
import { worldBounds } from './bound.ts';
import type { SimAgent } from './sim-agent.ts';
import { World } from './world.ts';
import type { WorldOptions } from './world-options.ts';

/**
 * What one world came to. Times in seconds: of a node from its own arrival to its last blob, of the makespan from the
 * first arrival to the last living node that is not corrupt. Percentiles are over the living nodes that are neither slow
 * nor corrupt. Ratios are to the bound (bound.ts), copies to the bytes of all blobs.
 */
export interface Report {
  readonly scenario: string;
  readonly seed: number;
  readonly agents: number;
  readonly pieces: number;
  readonly completed: number;
  readonly boundS: number;
  readonly makespanS: number;
  readonly p50S: number;
  readonly p99S: number;
  readonly p999S: number;
  readonly makespanRatio: number;
  readonly p50Ratio: number;
  readonly p99Ratio: number;
  readonly p999Ratio: number;
  readonly firstByteP50S: number;
  readonly firstByteP99S: number;
  readonly originCopies: number;
  /** Bytes that agents got and did not need, to the bytes they needed. */
  readonly duplicateRatio: number;
  readonly crossZoneCopies: number;
  readonly messagesPerNode: number;
  /** The worst wave, to its own bound. */
  readonly waveRatio: number;
  /** Of the rate of the link over the whole makespan. */
  readonly nicShare: number;
  readonly corruptPieces: number;
  readonly corruptAccepted: number;
  readonly peersDropped: number;
  readonly refusals: number;
  readonly starved: number;
  readonly requests: number;
  readonly cancels: number;
  readonly events: number;
  /** Hash of everything that happened. */
  readonly trace: string;
}

export const simulate = (scenario: string, options: WorldOptions, watch?: (world: World) => void): Report => {
  const world = new World(options);
  world.run(watch);
  return reportOf(scenario, world);
};

export const reportOf = (scenario: string, world: World): Report => {
  const { tally, agents, events, options } = world;
  const bytes = options.blobs.reduce((sum, blob) => sum + blob.bytes, 0);
  const wanted = agents.reduce((sum, { wantedBytes }) => sum + wantedBytes, 0);
  const bounds = worldBounds(world);
  const living = agents.filter(({ alive }) => alive);
  const sound = living.filter(({ plan }) => !plan.slow && !plan.corrupt);
  const took = sorted(sound.map((agent) => (agent.doneMs ?? 0) - (agent.arrivedMs ?? 0)));
  const firstByte = sorted(sound.map((agent) => (agent.firstByteMs ?? agent.doneMs ?? 0) - (agent.arrivedMs ?? 0)));
  const honest = living.filter(({ plan }) => !plan.corrupt);
  const makespanMs = Math.max(...honest.map(({ doneMs }) => doneMs ?? 0)) - Math.min(...agents.map(arrival));
  const ratio = (ms: number): number => round(ms / bounds.nodeMs);
  return {
    scenario,
    seed: options.seed,
    agents: options.agents,
    pieces: options.blobs.reduce((sum, blob) => sum + pieceCountOf(blob.bytes, blob.pieceLength), 0),
    completed: living.filter(({ doneMs }) => doneMs !== undefined).length,
    boundS: seconds(bounds.nodeMs),
    makespanS: seconds(makespanMs),
    p50S: seconds(quantile(took, 0.5)),
    p99S: seconds(quantile(took, 0.99)),
    p999S: seconds(quantile(took, 0.999)),
    makespanRatio: round(makespanMs / bounds.makespanMs),
    p50Ratio: ratio(quantile(took, 0.5)),
    p99Ratio: ratio(quantile(took, 0.99)),
    p999Ratio: ratio(quantile(took, 0.999)),
    firstByteP50S: seconds(quantile(firstByte, 0.5)),
    firstByteP99S: seconds(quantile(firstByte, 0.99)),
    originCopies: round(tally.originBytes / bytes),
    duplicateRatio: round(tally.wastedBytes / wanted),
    crossZoneCopies: round(tally.crossBytes / bytes),
    messagesPerNode: Math.round(tally.messages / options.agents),
    waveRatio: round(worstWave(world, bounds.waveMs)),
    nicShare: round(Math.max(...agents.map(({ wantedBytes }) => wantedBytes)) / options.agentDown / makespanMs),
    corruptPieces: tally.corruptPieces,
    corruptAccepted: tally.corruptAccepted,
    peersDropped: tally.dropped,
    refusals: tally.refusals,
    starved: tally.starved,
    requests: tally.requests,
    cancels: tally.cancels,
    events: events.count,
    trace: tally.trace,
  };
};

const arrival = ({ arrivedMs }: SimAgent): number => arrivedMs ?? Infinity;

const worstWave = ({ agents, waveStartsMs }: World, boundsMs: readonly number[]): number => {
  let worst = 0;
  for (const [wave, boundMs] of boundsMs.entries()) {
    const done = agents.filter(({ alive, plan }) => alive && plan.wave === wave).map(({ doneMs }) => doneMs ?? 0);
    worst = Math.max(worst, (Math.max(0, ...done) - (waveStartsMs[wave] ?? 0)) / boundMs);
  }
  return worst;
};

export const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

/** The nearest rank: the smallest value that at least the share `q` does not exceed. */
export const quantile = (ascending: readonly number[], q: number): number =>
  ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)] ?? 0;

export const round = (value: number): number => Math.round(value * 1e4) / 1e4;
export const seconds = (ms: number): number => Math.round(ms * 1e3) / 1e6;
