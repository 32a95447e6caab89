import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { KiB, MiB, ShoalError } from '@shoal/core';
import type { Sendfile } from '@shoal/transport/sendfile';
import type { BlobSource } from './blob-source.ts';
import { replyBuffers } from './buffer-pool.ts';
import type { Watchdog } from './watchdog.ts';

/**
 * Bytes that all replies may move in one turn of the event loop, so that it stays free for the rest of the process: about
 * 4 ms of either way. And the least and the most that one of them may.
 */
const turnBytes = { copied: 8 * MiB, direct: 32 * MiB, least: 256 * KiB, most: 2 * MiB };

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
 * Moves bytes of a source to a reply, by sendfile(2) if there is one, otherwise through one pooled buffer by read and write.
 * It goes on at once as long as the kernel takes all that it gets, and waits when the socket is full.
 */
export class BodyWriter implements Disposable {
  static #running = 0;
  /** Of the next byte. */
  position: number;
  readonly #o: BodyWriterParts;
  readonly #buffer = replyBuffers.take();
  /** Where the head of the reply has left: what follows goes straight there. */
  #socket: Socket | null = null;
  /** Writes whose end has not been told yet. */
  #writes = 0;
  /** Bytes that were written and may not have been taken. */
  #waitingBytes = 0;
  #allWritten: (() => void) | undefined;
  /** The last bytes went by sendfile(2). */
  #direct = false;
  /** Calls of sendfile(2) in a row that took nothing. */
  #refusals = 0;

  constructor(position: number, o: BodyWriterParts) {
    this.position = position;
    this.#o = o;
    BodyWriter.#running++;
  }

  /** Goes on to `end`, or to where the source has nothing for now. Then the socket has taken all that there was. */
  async moveTo(end: number): Promise<void> {
    while (this.position < end) {
      this.#o.watchdog.signal.throwIfAborted();
      const outcome = this.#takeTurn(Math.min(end, this.position + this.#share()));
      if (outcome === 'over' && this.position < end) await nextTurn();
      if (this.#writes > 0) await this.#taken();
      if (outcome === 'empty') return;
      this.#socket ??= this.#o.raw.socket;
    }
  }

  /** How far the bytes are that the kernel has for certain. */
  get takenTo(): number {
    return this.position - this.#waitingBytes;
  }

  [Symbol.dispose](): void {
    BodyWriter.#running--;
    // The socket may still read from a buffer whose write did not finish; that one is left to the collector.
    if (this.#writes === 0) replyBuffers.give(this.#buffer);
  }

  #share(): number {
    const all = this.#direct ? turnBytes.direct : turnBytes.copied;
    return Math.floor(Math.max(turnBytes.least, Math.min(turnBytes.most, all / BodyWriter.#running)));
  }

  /** `full`: the socket takes no more. `empty`: the source has no more. */
  #takeTurn(end: number): 'over' | 'full' | 'empty' {
    while (this.position < end) {
      this.#direct = this.#moveDirectly(end) > 0;
      if (this.position === end) break;
      const length = this.#direct ? probeBytes : this.#buffer.length;
      if (this.#write(Math.min(length, end - this.position)) === 0) return 'empty';
      if (!this.#socket || this.#socket.writableLength > 0) return 'full';
    }
    return 'over';
  }

  /** Answers the bytes that sendfile(2) has moved. */
  #moveDirectly(end: number): number {
    const { source, sendfile } = this.#o;
    if (!sendfile || !this.#socket || this.#refusals >= refusalsMax) return 0;
    const file = source.file?.(this.position, end);
    if (!file) return 0;
    const sent = sendfile(this.#socket, file.fd, this.position, file.end - this.position);
    this.#refusals = sent === 0 ? this.#refusals + 1 : 0;
    this.position += sent;
    return sent;
  }

  /** Answers the bytes that were there. The buffer belongs to the socket until its `writableLength` is 0. */
  #write(length: number): number {
    const { raw, source } = this.#o;
    const read = source.readInto(part(this.#buffer, length), this.position);
    if (read === 0) return 0;
    this.position += read;
    this.#waitingBytes += read;
    this.#writes++;
    (this.#socket ?? raw).write(part(this.#buffer, read), this.#written);
    return read;
  }

  /** One function for all writes: those that the kernel takes at once share one call back of the stream. */
  readonly #written = (error?: Error | null): void => {
    this.#writes--;
    if (error) return this.#o.watchdog.abort(new ClientLeftError({ cause: error }));
    if (this.#writes > 0) return;
    this.#waitingBytes = 0;
    this.#allWritten?.();
  };

  #taken(): Promise<void> {
    const { watchdog, stallTimeoutMs } = this.#o;
    return watchdog.guardCallback(
      stallTimeoutMs,
      () => new ShoalError('CLIENT_STALLED', 503, `the client took nothing for ${stallTimeoutMs} ms`),
      (done) => (this.#allWritten = done),
    );
  }
}

/** A view is made only where it is needed. */
const part = (buffer: Uint8Array, length: number): Uint8Array =>
  length === buffer.length ? buffer : buffer.subarray(0, length);

export class ClientLeftError extends ShoalError {
  constructor(options?: { cause: unknown }) {
    super('CLIENT_GONE', 499, 'the client closed the connection', options);
  }
}
