import { MiB } from '@shoal/core';

/**
 * How the missing pieces of a download are fetched: by the swarm (agents, and origins as seeders); besides
 * it by HTTP what nobody in the swarm has; by HTTP whatever is missing; or not at all.
 */
export type Rung = 'swarm' | 'http-missing' | 'http-any' | 'exhausted';

export interface LadderState {
  readonly nowMs: number;
  /** When the swarm last delivered a piece, or the download began. */
  readonly swarmProgressMs: number;
  /** Since when something is missing that no neighbour could give; undefined while neighbours have all of it. */
  readonly noSourcesSinceMs: number | undefined;
  /** When every origin last failed by HTTP; undefined once one delivered again. */
  readonly httpFailedMs: number | undefined;
  /** Until when the origins have no place for one more body; undefined once one delivered again. */
  readonly httpBusyUntilMs?: number | undefined;
  /** Neighbours in the swarm. */
  readonly degree: number;
  /** This download's lot among those of its neighbours, 0 to 1. */
  readonly lot: number;
}

export interface LadderLimits {
  readonly fallbackMs: number;
  readonly pieceLength: number;
  /** Of this blob; 0 is without limit. */
  readonly bytesPerSecondMax: number;
}

/** A slow swarm is not a dead one: the larger the pieces, and the lower the limit, the longer one may be on its way. */
const slowestBytesPerSecond = 8 * MiB;

/** Between two neighbours there may be none for a moment. */
const sourcelessMs = 400;

/** How long HTTP is left alone after every origin failed. */
const httpPauseMs = 1_000;

/**
 * Data in, decision out: peers and origins of the swarm first, then HTTP, then an honest refusal. Of neighbours that all
 * wait for the same slow origin one after the other turns to HTTP, in the order of their lots, and passes on what it gets:
 * a crowd that did so at once would take the whole blob from the origin once each.
 */
export const decideRung = (state: LadderState, limits: LadderLimits): Rung => {
  const { nowMs, swarmProgressMs, noSourcesSinceMs, httpFailedMs, httpBusyUntilMs, degree, lot } = state;
  const sourcelessForMs = noSourcesSinceMs === undefined ? 0 : nowMs - noSourcesSinceMs;
  const { fallbackMs, pieceLength, bytesPerSecondMax } = limits;
  const patienceMs = fallbackMs + (pieceLength / Math.min(slowestBytesPerSecond, bytesPerSecondMax || Infinity)) * 1000;
  const turn = 1 + lot * degree;
  const alone = sourcelessForMs >= sourcelessMs * turn;
  const stalled = nowMs - swarmProgressMs >= patienceMs * turn;
  if (!alone && !stalled) return 'swarm';
  if (httpBusyUntilMs !== undefined && nowMs < httpBusyUntilMs) return 'swarm';
  if (httpFailedMs === undefined || nowMs - httpFailedMs >= httpPauseMs) return stalled ? 'http-any' : 'http-missing';
  return sourcelessForMs >= fallbackMs ? 'exhausted' : 'swarm';
};
