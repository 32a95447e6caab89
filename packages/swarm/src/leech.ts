import type { Bitfield, PieceIndex } from '@shoal/core';
import type { LeechAction, LeechEvent, LeechOptions } from './leech-types.ts';
import type { PeerHandle } from './peer.ts';

/**
 * One blob at one agent: which piece to ask of whom. After each `handle` the shell polls until undefined and carries
 * the actions out in order; it arms ONE timer for `nextTimeoutMs` and reports `timer`. With a full bitfield the machine
 * is a seeder's view of its neighbours. Source: shared/design/swarm.md, "Pseudo-code".
 */
export declare class Leech {
  /** Verified pieces; changes only inside handle. */
  readonly have: Bitfield;
  constructor(options: LeechOptions);
  /** `nowMs` never goes back. */
  handle(event: LeechEvent, nowMs: number): void;
  poll(): LeechAction | undefined;
  /** Milliseconds from `nowMs` until `timer` is due (0: at once), undefined: no timer. */
  nextTimeoutMs(nowMs: number): number | undefined;
  get complete(): boolean;
  /** Neighbours that are agents. */
  get agentCount(): number;
  /** Requests and offers under way. */
  get outstandingCount(): number;
  /** Agents among the neighbours that hold the piece: the upload queue's rank. */
  availability(piece: PieceIndex): number;
  /** Pieces that the neighbour holds; 0 for a stranger. */
  heldBy(peer: PeerHandle): number;
  /** Whether the piece is asked of this peer (or offered by it) at this moment. */
  isAsked(peer: PeerHandle, piece: PieceIndex): boolean;
  /** Missing, not asked of anybody and with no neighbour that could be asked: what the HTTP fallback may claim, the readers' pieces first. */
  missingEverywhere(): PieceIndex | undefined;
}
