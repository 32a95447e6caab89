import { ShoalError } from '@shoal/core';

/**
 * The bytes of one blob, of which some may still be on their way. Every implementation guarantees that `readInto` returns
 * verified bytes only, or, of a cold blob, never those of the last piece before its digest is verified.
 */
export interface BlobSource {
  /** In bytes; known before the first byte is there. */
  readonly size: number;
  /**
   * Synchronous read at a byte offset; returns the number of bytes put at the start of `buffer`: less than its
   * length where verified bytes end, 0 when the byte at `position` is not there yet. @throws when the store fails
   */
  readInto(buffer: Uint8Array, position: number): number;
  /**
   * Resolves when the byte at `offset` can be read. Rejects when it will not come, and with the signal's reason
   * as soon as that aborts; the caller sets the deadline through the signal.
   */
  waitFor(offset: number, signal: AbortSignal): Promise<void>;
  /** Gives up the hold on the file; called exactly once by whoever serves the source. */
  close(): void;
}

/** Enough to answer a HEAD. */
export const bodiless = (size: number): BlobSource => ({
  size,
  readInto: () => 0,
  waitFor: () => Promise.reject(new ShoalError('UNAVAILABLE', 503, 'the answer to HEAD has no body')),
  close: () => {},
});
