import type { Bitfield, PieceIndex } from '@shoal/core';
import type { DataHeader, Hashes, Have, HaveMessage, Offer, Refuse, Reject, WantAny } from '@shoal/protocol';
import type { Landed } from '@shoal/transport';
import type { Peer } from './peer.ts';
import type { Reception } from './reception.ts';
import type { Swarm } from './swarm.ts';

/** A peer in one swarm. It takes part once its own JOIN has come. */
export interface Neighbour {
  readonly peer: Peer;
  readonly swarm: Swarm;
  /** My number for the swarm on this link: what every message of mine carries. */
  readonly channel: number;
  /** When my JOIN went, which the remote's is to answer. */
  readonly sinceMs: number;
  /** What my JOIN said that I have, until the remote's. */
  told: Have | undefined;
  /** The remote's number; undefined until its JOIN. */
  remoteChannel: number | undefined;
}

/** Why a neighbour is one no longer. */
export type LeftReason = 'linkClosed' | 'leave' | 'noSwarm' | 'purged' | 'full' | 'rejoin' | 'unanswered' | 'mine';

export type SwarmMessage = HaveMessage | WantAny | Offer | Refuse | Reject | Hashes;

/** What a node is to the neighbours in one swarm: a leecher, a seed, or an origin that super-seeds. */
export interface SwarmSide {
  /** Something is still to be asked of neighbours. */
  readonly fetching: boolean;
  /** What my JOIN says. */
  have(): Have;
  /** Whether the piece can be served. */
  holds(piece: PieceIndex): boolean;
  joined(neighbour: Neighbour, have: Bitfield): void;
  /** Also for neighbours that never joined. */
  left(neighbour: Neighbour, reason: LeftReason): void;
  /** `peer.unreachable` has changed: what was asked of the peer is lost, or it may be asked again. It is served all the same. */
  reachabilityChanged(neighbour: Neighbour): void;
  message(neighbour: Neighbour, message: SwarmMessage): void;
  /** Where the payload goes; undefined: discard it. */
  dataBegin(neighbour: Neighbour, header: DataHeader): Reception | undefined;
  /** A part of a piece has come by its route: the reception that it belongs to, if it has not been dropped. */
  dataLanded?(neighbour: Neighbour, landed: Landed): Reception | undefined;
  /** A frame has landed in the reception. */
  dataEnd(neighbour: Neighbour, reception: Reception): void;
  /** Payload came for which dataBegin had no place, or no longer has one. */
  dataDiscarded(bytes: number): void;
  /** Writing into the blob failed. */
  dataFailed(error: unknown): void;
  /** Ranks of the upload queue. */
  availability(piece: PieceIndex): number;
  heldBy(peer: number): number;
  /** What the next credit of this swarm ranks among those of others; only an origin serves credits. */
  readonly creditRank?: number;
  /** The piece to push for one credit that has its turn; undefined: REFUSE. */
  serveCredit(neighbour: Neighbour): PieceIndex | undefined;
  /** A credit that the side has enqueued never gets a turn: the queue is full, or no data connection came. */
  creditLost(neighbour: Neighbour): void;
  offerEnded(neighbour: Neighbour, piece: PieceIndex, ok: boolean): void;
  /** The swarm is left; no timer runs after it. */
  stop(): void;
}
