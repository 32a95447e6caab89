import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KiB, MiB, ShoalError } from '@shoal/core';
import type { Sendfile } from '@shoal/transport/sendfile';
import type { BlobSource } from './blob-source.ts';
import { replyBuffers } from './buffer-pool.ts';
import type { Watchdog } from './watchdog.ts';

/** Bytes a reply may write before other sockets have their turn: a fast reader never blocks this one. */
const turnBytesMax = 2 * MiB;

/** Bytes that a socket which sendfile(2) has filled gets by an ordinary write, whose end tells that it has room again. */
const probeBytes = 4 * KiB;

/** After so many calls in a row that took nothing, though the socket had room, sendfile(2) is not tried again. */
const refusalsMax = 3;

export interface BodyWriterParts {
  readonly raw: ServerResponse;
  readonly source: BlobSource;
  readonly watchdog: Watchdog;
  readonly stallTimeoutMs: number;
  readonly sendfile: Sendfile | undefined;
}

/**
 * Moves bytes of a source to a reply: through one pooled buffer by read, write, and a wait until the socket has taken
 * them; and between two such writes by sendfile(2), if there is one, as far as the socket takes them.
 */
export class BodyWriter implements Disposable {
  /** Of the next byte. */
  position: number;
  readonly #o: BodyWriterParts;
  readonly #buffer = replyBuffers.take();
  #bufferIsOurs = true;
  #turnBytes = 0;
  /** The last sendfile(2) took a part. */
  #filled = false;
  /** Calls of sendfile(2) in a row that took nothing. */
  #refusals = 0;

  constructor(position: number, o: BodyWriterParts) {
    this.position = position;
    this.#o = o;
  }

  /** Goes on as far as the source has bytes, at most to `end`. False when it has none at the position. */
  async advance(end: number): Promise<boolean> {
    const { source } = this.#o;
    const length = Math.min(this.#filled ? probeBytes : this.#buffer.length, end - this.position);
    const read = source.readInto(this.#buffer.subarray(0, length), this.position);
    if (read === 0) return false;
    this.#bufferIsOurs = false;
    await this.#write(this.#buffer.subarray(0, read));
    this.#bufferIsOurs = true;
    await this.#moved(read);
    if (this.#o.sendfile && this.#refusals < refusalsMax) await this.#moveDirectly(end, this.#o.sendfile);
    return true;
  }

  [Symbol.dispose](): void {
    // The socket may still read from a buffer whose write did not finish; that one is left to the collector.
    if (this.#bufferIsOurs) replyBuffers.give(this.#buffer);
  }

  /** Until the socket is full or the source has no more. The reply's head has left with an ordinary write before. */
  async #moveDirectly(end: number, sendfile: Sendfile): Promise<void> {
    const { raw, source, watchdog } = this.#o;
    this.#filled = false;
    while (this.position < end) {
      watchdog.signal.throwIfAborted();
      const file = source.file?.(this.position, Math.min(end, this.position + turnBytesMax));
      if (!file || !raw.socket) return;
      const length = file.end - this.position;
      const sent = sendfile(raw.socket, file.fd, this.position, length);
      this.#refusals = sent === 0 ? this.#refusals + 1 : 0;
      this.#filled = sent > 0 && sent < length;
      if (sent > 0) await this.#moved(sent);
      if (sent < length) return;
    }
  }

  async #moved(bytes: number): Promise<void> {
    this.position += bytes;
    this.#turnBytes += bytes;
    if (this.#turnBytes < turnBytesMax) return;
    this.#turnBytes = 0;
    await nextTurn();
  }

  /** Resolves when the socket has taken the chunk: until then the buffer belongs to it. */
  #write(chunk: Uint8Array): Promise<void> {
    const { raw, watchdog, stallTimeoutMs } = this.#o;
    return watchdog.guardCallback(
      stallTimeoutMs,
      () => new ShoalError('CLIENT_STALLED', 503, `the client took nothing for ${stallTimeoutMs} ms`),
      (done) => raw.write(chunk, (error) => done(error ? new ClientLeftError({ cause: error }) : undefined)),
    );
  }
}

export class ClientLeftError extends ShoalError {
  constructor(options?: { cause: unknown }) {
    super('CLIENT_GONE', 499, 'the client closed the connection', options);
  }
}
