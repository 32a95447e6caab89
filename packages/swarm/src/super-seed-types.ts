import type { Bitfield, PieceIndex, Prng } from '@shoal/core';
import type { PeerHandle } from './peer.ts';

export type SuperSeedEvent =
  /** An agent joined the swarm with what it has. `abroad`: it is in another zone. */
  | { readonly type: 'peerJoined'; readonly peer: PeerHandle; readonly have: Bitfield; readonly abroad?: boolean }
  | { readonly type: 'peerLeft'; readonly peer: PeerHandle }
  /** HAVE, or what else tells that the peer holds a piece. */
  | { readonly type: 'peerHave'; readonly peer: PeerHandle; readonly piece: PieceIndex }
  /** WANT_ANY: one credit. */
  | {
      readonly type: 'wantAny';
      readonly peer: PeerHandle;
      readonly haveDelta: readonly PieceIndex[];
      readonly prefer: readonly PieceIndex[];
    }
  /** The offered transfer is through (`ok`) or broke, or was cancelled. Cancelled because held elsewhere: ok false, a haveDelta follows. */
  | { readonly type: 'offerEnded'; readonly peer: PeerHandle; readonly piece: PieceIndex; readonly ok: boolean }
  /** A cold blob: one more piece can be served (with `growing: true` no piece can before it is named here). */
  | { readonly type: 'pieceAvailable'; readonly piece: PieceIndex };

export type SuperSeedAction =
  /** Put the credit into the UploadQueue (`credit` event); `serve` chooses the piece when its turn comes. */
  | { readonly type: 'enqueue'; readonly peer: PeerHandle }
  /** Send REFUSE. */
  | { readonly type: 'refuse'; readonly peer: PeerHandle };

export interface SuperSeedOptions {
  readonly pieceCount: number;
  readonly prng: Prng;
  /** This origin's place among `originCount` owners of the blob: they start at disjoint offsets. Default 0 of 1. */
  readonly originIndex?: number;
  readonly originCount?: number;
  /** Credits that may wait or run for this blob at once; further ones are refused. Default 2048. */
  readonly creditsMax?: number;
  /** Pieces that all origins may send again once every piece is out, if that is more than a fifth of the blob. Default 64. */
  readonly secondPiecesMin?: number;
  /** Pieces sent after one until it should be known at others (passing-on.ts). Default 128. */
  readonly judgeAfter?: number;
  /** Only announced pieces are served (see pieceAvailable). Default false. */
  readonly growing?: boolean;
}
