import type { LeechLimits } from './leech-types.ts';

/**
 * Outstanding requests D = clamp(0.75 * sqrt(M), 6, 20): fewer leave slots of the uploaders empty, more pin pieces to
 * queues that were short when they were asked. Source: shared/design/swarm.md, "Policy".
 */
export const outstandingFor = (pieceCount: number): number =>
  Math.min(20, Math.max(6, Math.round(0.75 * Math.sqrt(pieceCount))));

/** What all downloads of a host may have out together, and the least that keeps one of them going. */
const outstandingOfHost = 24;
const outstandingMin = 4;

/**
 * D of one download while `running` of them are under way on the host: their pieces come over one link, so what they ask
 * for waits the longer in others' queues the more of them there are. One or two keep their own.
 * Source: the many-blobs scenario, docs/BENCHMARKS.md.
 */
export const sharedOutstanding = (outstandingMax: number, running: number): number =>
  running <= 2
    ? outstandingMax
    : Math.min(outstandingMax, Math.max(outstandingMin, Math.floor(outstandingOfHost / running)));

export const leechLimitsFor = (pieceCount: number, overrides: Partial<LeechLimits> = {}): LeechLimits => ({
  outstandingMax: outstandingFor(pieceCount),
  outstandingPerPeerMax: 3,
  originCreditsMax: 8,
  readerPiecesMax: 2,
  deadlineFloorMs: 250,
  deadlineInitialMs: 1000,
  deadlineMaxMs: 15_000,
  refusedPauseMinMs: 20,
  refusedPauseMaxMs: 1000,
  starvedIntervalMs: 1000,
  silentDropMs: 20_000,
  bytesPerSecondMax: 0,
  ...overrides,
});
