import type { PieceIndex } from '@shoal/core';
import type { PeerHandle, PeerRole } from './peer.ts';
import type { PieceSet } from './piece-set.ts';

/** One piece asked of one neighbour, or offered by it. */
export interface Ask {
  readonly piece: PieceIndex;
  readonly sentMs: number;
  /** It spent an origin's credit, so it is not counted among the outstanding requests. */
  readonly offered: boolean;
  startedMs: number | undefined;
  progressMs: number;
  /** Charged to the download's allowance and not come yet. */
  dueBytes: number;
}

/** What a leech knows of one neighbour in one swarm. */
export class Neighbour {
  readonly peer: PeerHandle;
  readonly role: PeerRole;
  readonly has: PieceSet;
  readonly asks = new Map<PieceIndex, Ask>();
  /** How many `asks` there are, here because it is read of every neighbour for every request. */
  asked = 0;
  /** Pieces it has that are wanted here at this moment: 0 means that there is nothing to ask. */
  useful = 0;
  /** Requests that waited at it when it last said so. */
  queueLength = 0;
  /** Deadlines missed since it last delivered; it goes to the end of the line. */
  misses = 0;
  /** Nothing is asked of it before this time. */
  pausedUntilMs = 0;
  /** It missed a deadline without a sign of life: the next sign ends its pause. */
  silent = false;
  /** When anything was last heard of it. */
  heardMs: number;
  /** It said or sent something after it joined. */
  proven = false;

  constructor(peer: PeerHandle, role: PeerRole, has: PieceSet, nowMs: number) {
    this.peer = peer;
    this.role = role;
    this.has = has;
    this.heardMs = nowMs;
  }
}

/** An origin besides: its credits. */
export class OriginNeighbour extends Neighbour {
  /** WANT_ANYs that were answered by neither OFFER nor REFUSE. */
  credits = 0;
  /** Credits and offered transfers that it may have by what it delivered so far. */
  window = 1;
  /** Pieces got from others since the last WANT_ANY. */
  delta: PieceIndex[] = [];
  /** Pieces it delivered: an OFFER that comes after its own DATA is none. */
  readonly delivered = new Set<PieceIndex>();
  refusals = 0;
  creditsPausedUntilMs = 0;

  constructor(peer: PeerHandle, has: PieceSet, nowMs: number) {
    super(peer, 'origin', has, nowMs);
  }

  /** Credits and offered transfers: what the credit limit counts. */
  get spent(): number {
    let offered = 0;
    for (const ask of this.asks.values()) if (ask.offered) offered++;
    return this.credits + offered;
  }
}
