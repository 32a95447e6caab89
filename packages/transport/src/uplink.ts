import type { PieceIndex } from '@shoal/core';
import type { Throttle } from './throttle.ts';

/** Where an uplink reads pieces from. */
export interface PieceReader {
  /** Fills `buffer` from `position`, a byte offset in the blob; returns the bytes read (a synchronous pread). May throw. */
  readInto(buffer: Uint8Array, position: number): number;
  /**
   * The descriptor of a file that has each byte at its place in the blob, for use before anything else is done; absent or
   * undefined: there is none. May throw.
   */
  readonly fd?: number;
}

/** A piece, or the rest of one, on its way to a peer. Offsets and lengths in bytes. */
export interface Transfer {
  /** My channel number for the swarm on this link. */
  readonly channel: number;
  readonly piece: PieceIndex;
  /** Where in the BLOB the transfer begins, as core's pieceSpan gives it. */
  readonly offset: number;
  readonly length: number;
  readonly reader: PieceReader;
  /** A limit that it shares with transfers on this and other links: while it does not admit, others on the link go on. */
  readonly throttle?: Throttle | undefined;
  /** After each chunk has been handed to the kernel. */
  onProgress?(bytes: number): void;
  /**
   * Once, never from inside `start` or `cancel`: true when the last byte was handed to the kernel, false after
   * a cancel, a failed read or the loss of the connection.
   */
  onEnd(ok: boolean): void;
}

/** Names a running transfer to `cancel`. */
export interface TransferHandle {
  readonly transfer: Transfer;
}

/**
 * The sending side of a data connection. Transfers of at most 512 KiB go first, the smallest first; the others
 * share the connection by fair round robin of 512 KiB chunks.
 */
export interface Uplink {
  start(transfer: Transfer): TransferHandle;
  /** Stops at the next chunk and tells the receiver by a DATA frame without payload. No effect once it has ended. */
  cancel(handle: TransferHandle): void;
  /** Transfers that have started and not ended. */
  readonly running: number;
}
