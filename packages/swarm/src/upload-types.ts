import type { PieceIndex } from '@shoal/core';
import type { PeerHandle } from './peer.ts';

/** How the shell numbers its swarms inside one process; not the wire's channel. */
export type SwarmHandle = number;

export type UploadEvent =
  /**
   * REQUEST of a piece that this node holds (the shell rejects others as notHeld). `availability`: holders known among
   * the neighbours; `requesterHeld`: pieces that the requester holds. Both rank the request (see UploadRank).
   */
  | {
      readonly type: 'request';
      readonly peer: PeerHandle;
      readonly swarm: SwarmHandle;
      readonly piece: PieceIndex;
      readonly bytes: number;
      readonly availability: number;
      readonly requesterHeld: number;
    }
  /** WANT_ANY that SuperSeed accepted (`enqueue`): one place in the queue, its piece is chosen when it is served. */
  | {
      readonly type: 'credit';
      readonly peer: PeerHandle;
      readonly swarm: SwarmHandle;
      readonly bytes: number;
      readonly requesterHeld: number;
    }
  /** CANCEL: forgets a waiting request. For a running transfer the shell stops it and reports transferEnded. */
  | { readonly type: 'cancel'; readonly peer: PeerHandle; readonly swarm: SwarmHandle; readonly piece: PieceIndex }
  /** The link is gone: its waiting entries AND its running transfers are forgotten; no transferEnded follows (one is harmless). */
  | { readonly type: 'peerLeft'; readonly peer: PeerHandle }
  /** LEAVE of one swarm, or the swarm is evicted here (`peer` absent: everybody): waiting entries are forgotten, running ones end by transferEnded. */
  | { readonly type: 'swarmLeft'; readonly swarm: SwarmHandle; readonly peer?: PeerHandle }
  /** The last byte was handed to the kernel, or the transfer broke or was cancelled. */
  | {
      readonly type: 'transferEnded';
      readonly peer: PeerHandle;
      readonly swarm: SwarmHandle;
      readonly piece: PieceIndex;
    }
  /** `serveCredit` found nothing to offer (a REFUSE was sent): the slot is free again. */
  | { readonly type: 'creditUnserved'; readonly peer: PeerHandle; readonly swarm: SwarmHandle }
  /** What all uploads of this process moved lately, measured over 20 to 100 ms; send it before `timer`. */
  | { readonly type: 'egress'; readonly bytesPerSecond: number }
  | { readonly type: 'timer' };

export type UploadAction =
  /** Send the piece on the peer's data connection now. */
  | { readonly type: 'start'; readonly peer: PeerHandle; readonly swarm: SwarmHandle; readonly piece: PieceIndex }
  /**
   * Ask the swarm's SuperSeed `serve(peer)` now. A piece: send OFFER, start the transfer and later report
   * transferEnded with that piece. Nothing: send REFUSE and report creditUnserved.
   */
  | { readonly type: 'serveCredit'; readonly peer: PeerHandle; readonly swarm: SwarmHandle }
  /** Send REJECT(overloaded). */
  | {
      readonly type: 'reject';
      readonly peer: PeerHandle;
      readonly swarm: SwarmHandle;
      readonly piece: PieceIndex;
      readonly reason: 'overloaded';
    }
  /** A credit found the queue full: send REFUSE. */
  | { readonly type: 'refuse'; readonly peer: PeerHandle; readonly swarm: SwarmHandle };

/** Fresh ranks at service time; without it the numbers of the request event are used. */
export interface UploadRank {
  availability(swarm: SwarmHandle, piece: PieceIndex): number;
  held(swarm: SwarmHandle, peer: PeerHandle): number;
  /** In place of a piece's availability for a credit, whose piece is not chosen yet. */
  credit?(swarm: SwarmHandle): number;
  /** A transfer of it waits for its own limit: nothing more of it is started, and what runs of it holds no slot. */
  saturated?(swarm: SwarmHandle): boolean;
}

export interface UploadLimits {
  /** Concurrent transfers; an agent's default 16, an origin wants at least 4 * origin rate / agent rate. */
  readonly activeMax: number;
  /** Transfers that run whatever the egress is: so many after an idle time, then by and by up to `activeMin`. */
  readonly activeSerial: number;
  readonly activeMin: number;
  /** The configured upload limit in bytes/s; undefined: none, the gate probes. */
  readonly egressMax: number | undefined;
  /** Waiting entries of all peers, and of one peer. More are rejected as overloaded. */
  readonly queueMax: number;
  readonly queuePerPeerMax: number;
  /** Requests of at most so many bytes have a lane of their own, before any larger piece. */
  readonly smallBytesMax: number;
}
