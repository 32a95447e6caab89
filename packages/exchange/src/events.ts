import type { PeerId, PieceIndex, SwarmId } from '@shoal/core';
import type { PeerRole } from '@shoal/protocol';

/** Why a peer's request for a piece is refused. */
export type PieceRefusal = 'gone' | 'overloaded' | 'notHeld';

/** What the exchange reports as it happens, for metrics, logs and the live view. Bytes are payload, never frames. */
export interface ExchangeEvents {
  /** A piece matched its hash and is in the blob; `http`: the fallback delivered it, and nobody knows from which zone. */
  pieceReceived?(source: PeerRole | 'http', bytes: number, swarm: SwarmId, zone: string | undefined): void;
  /** A piece did not match its hash; the peer is dropped from the swarm. */
  pieceCorrupt?(peer: PeerId, piece: PieceIndex, swarm: SwarmId): void;
  /** Handed to the kernel on its way to a peer of that role. */
  bytesSent?(role: PeerRole, bytes: number, swarm: SwarmId): void;
  /** Arrived and thrown away: late after a cancel, a second copy, or never asked for. */
  bytesDiscarded?(bytes: number): void;
  requestRejected?(reason: PieceRefusal): void;
  linkOpened?(peer: PeerId, role: PeerRole): void;
  linkClosed?(peer: PeerId, reason: string): void;
}

/** What one download reports to who started it. */
export interface DownloadEvents {
  /** The piece is verified and in the blob. */
  piece?(index: PieceIndex, source: PeerRole | 'http'): void;
  complete?(): void;
  /** Slots are free and nothing can be asked of anybody: more peers are wanted. */
  starved?(): void;
  corrupt?(peer: PeerId, piece: PieceIndex): void;
  /** Nobody can give what is missing: time for the HTTP fallback. Again after sources were there in between. */
  noSources?(): void;
  /** Of a growing blob: every piece hash is known, so an origin has verified its digest and signed metainfo. */
  hashesKnown?(): void;
  /** Of a growing blob: what was received is wrong; an origin said so, or told two hashes of one piece. */
  purged?(): void;
  /** Writing failed (disk full); the download has stopped. */
  failed?(error: unknown): void;
}
