import type { Bitfield, PieceIndex, Prng } from '@shoal/core';
import type { PeerHandle, PeerRole } from './peer.ts';
import type { GatewayPlace } from './zones.ts';

/** Why a peer did not serve a request; the wire's REJECT reasons. */
export type RejectReason = 'gone' | 'overloaded' | 'unknown' | 'notHeld';

export type LeechEvent =
  /** A neighbour joined this swarm (its JOIN arrived) and can be asked. `have` is copied. `abroad`: it is in another zone. */
  | {
      readonly type: 'peerJoined';
      readonly peer: PeerHandle;
      readonly role: PeerRole;
      readonly have: Bitfield;
      readonly abroad?: boolean;
    }
  /** LEAVE, NO_SWARM, or a lost control or data connection: its pieces are asked elsewhere in the same turn. */
  | { readonly type: 'peerLeft'; readonly peer: PeerHandle }
  /** HAVE. `queueLength` is the number of requests that wait at the peer. */
  | { readonly type: 'peerHave'; readonly peer: PeerHandle; readonly piece: PieceIndex; readonly queueLength: number }
  /** OFFER, or DATA of a piece that was not asked for: the origin spends a credit on this piece. */
  | { readonly type: 'offer'; readonly peer: PeerHandle; readonly piece: PieceIndex }
  /** REFUSE: the origin answers a credit with nothing. */
  | { readonly type: 'refused'; readonly peer: PeerHandle }
  | { readonly type: 'rejected'; readonly peer: PeerHandle; readonly piece: PieceIndex; readonly reason: RejectReason }
  /** `bytes` more of the piece arrived. Once a chunk (256 KiB) is fine; `bytes: 0` marks the start of a transfer. */
  | { readonly type: 'progress'; readonly peer: PeerHandle; readonly piece: PieceIndex; readonly bytes: number }
  /** The piece matches its hash and is on disk. `peer` is absent when it came by HTTP. */
  | { readonly type: 'pieceVerified'; readonly piece: PieceIndex; readonly peer?: PeerHandle }
  | { readonly type: 'pieceCorrupt'; readonly peer: PeerHandle; readonly piece: PieceIndex }
  /** The transfer broke without the peer being gone (short data, local write error): the piece is free again. */
  | { readonly type: 'pieceFailed'; readonly peer: PeerHandle; readonly piece: PieceIndex }
  /** The next piece each in-order reader needs; replaces the former list. */
  | { readonly type: 'readers'; readonly cursors: readonly PieceIndex[] }
  /** The tracker gave this agent a place among the gateways of its zone, or took it away. */
  | { readonly type: 'gateway'; readonly place: GatewayPlace | undefined }
  /** So many downloads are under way on this host, this one with them: they share what may be out (sharedOutstanding). */
  | { readonly type: 'running'; readonly downloads: number }
  /** The HTTP fallback fetches this piece: it is not asked of peers until `released`. */
  | { readonly type: 'claimed'; readonly piece: PieceIndex }
  | { readonly type: 'released'; readonly piece: PieceIndex }
  /** The time that nextTimeoutMs named has come. */
  | { readonly type: 'timer' };

export type LeechAction =
  | { readonly type: 'request'; readonly peer: PeerHandle; readonly piece: PieceIndex }
  /** Send CANCEL and forget the transfer: its late bytes belong into a private buffer or nowhere. */
  | { readonly type: 'cancel'; readonly peer: PeerHandle; readonly piece: PieceIndex }
  /** One credit. `haveDelta`: pieces got since the last WANT_ANY to this origin, not from this origin. */
  | {
      readonly type: 'wantAny';
      readonly peer: PeerHandle;
      readonly haveDelta: readonly PieceIndex[];
      readonly prefer: readonly PieceIndex[];
    }
  /** Send HAVE(piece, own queue length) to these neighbours, in the same turn. */
  | { readonly type: 'have'; readonly piece: PieceIndex; readonly peers: readonly PeerHandle[] }
  /** Nothing can be asked of anybody though slots are free: find more peers. At most once a `starvedIntervalMs`. */
  | { readonly type: 'starved' }
  /** Close the link; a corrupt peer is not dialled again for this blob (by its peer id, which the shell knows). */
  | { readonly type: 'dropPeer'; readonly peer: PeerHandle; readonly reason: 'corrupt' | 'stalled' }
  | { readonly type: 'complete' };

export interface LeechLimits {
  /** Outstanding requests to agents while few downloads run. Default clamp(0.75 * sqrt(pieceCount), 6, 20). */
  readonly outstandingMax: number;
  /** Outstanding at one agent while there are enough of them; with fewer agents up to twice that. */
  readonly outstandingPerPeerMax: number;
  /** Credits plus offered transfers at one origin while no agent is a neighbour; shared by 1 + neighbours, never below 1. */
  readonly originCreditsMax: number;
  /** Outstanding requests that follow the readers' cursors instead of rarity. */
  readonly readerPiecesMax: number;
  /** No request is given up earlier than this, however fast the peers were so far. */
  readonly deadlineFloorMs: number;
  /** The deadline before anything was measured, and the largest one. */
  readonly deadlineInitialMs: number;
  readonly deadlineMaxMs: number;
  /** First and longest pause after an origin's REFUSE. */
  readonly refusedPauseMinMs: number;
  readonly refusedPauseMaxMs: number;
  readonly starvedIntervalMs: number;
  /** A peer that missed its deadlines and was silent for this long is dropped as stalled. */
  readonly silentDropMs: number;
  /** What the download takes, from neighbours and by HTTP together; 0 is without limit. */
  readonly bytesPerSecondMax: number;
}

export interface LeechOptions {
  readonly pieceCount: number;
  /** Bytes. */
  readonly pieceLength: number;
  /** Bytes of the blob. */
  readonly size: number;
  /** What is there already; copied. */
  readonly have: Bitfield;
  readonly prng: Prng;
  readonly limits?: Partial<LeechLimits>;
}
