import type { PieceIndex } from '@shoal/core';
import type { PeerHandle } from './peer.ts';
import type { SuperSeedAction, SuperSeedEvent, SuperSeedOptions } from './super-seed-types.ts';

/**
 * What an origin lets into the swarm next: the piece it sent least. One instance a blob.
 * WANT_ANY -> handle(wantAny) -> poll: enqueue -> UploadQueue credit -> serveCredit -> serve(peer) -> OFFER + DATA.
 */
export declare class SuperSeed {
  constructor(options: SuperSeedOptions);
  handle(event: SuperSeedEvent, nowMs: number): void;
  poll(): SuperSeedAction | undefined;
  /** The piece for one of the peer's enqueued credits, or undefined: send REFUSE. */
  serve(peer: PeerHandle, nowMs: number): PieceIndex | undefined;
  /** Agents known to hold the piece. */
  availability(piece: PieceIndex): number;
  heldBy(peer: PeerHandle): number;
  /** Whether the peer was offered this piece and the transfer has not ended. */
  isOffered(peer: PeerHandle, piece: PieceIndex): boolean;
  /** Pieces sent in full so far, divided by the pieces of the blob. */
  get copiesSent(): number;
}
