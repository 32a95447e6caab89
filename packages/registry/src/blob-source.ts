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
  /**
   * The file that holds the bytes which `readInto` would give from `position` on, at most to `end`; undefined when they lie
   * in none or are not there yet. For use at once: a moment later the descriptor may be another one.
   */
  file?(position: number, end: number): ReadableFile | undefined;
  /** Gives up the hold on the file; called exactly once by whoever serves the source. */
  close(): void;
}

/** A file in which every byte has the place that it has in the blob. */
export interface ReadableFile {
  readonly fd: number;
  /** Up to which byte it may be read. */
  readonly end: number;
}

/** Enough to answer a HEAD. */
export const bodiless = (size: number): BlobSource => ({
  size,
  readInto: () => 0,
  waitFor: () => Promise.reject(new ShoalError('UNAVAILABLE', 503, 'the answer to HEAD has no body')),
  close: () => {},
});
