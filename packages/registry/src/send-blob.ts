import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MiB, ShoalError } from '@shoal/core';
import type { FastifyReply } from 'fastify';
import type { BlobSource } from './blob-source.ts';
import { replyBuffers } from './buffer-pool.ts';
import { endWithFin } from './fin.ts';
import type { ByteRange } from './range.ts';
import { Watchdog } from './watchdog.ts';

export interface SendOptions {
  /** Longest wait for the first byte; after it the request is answered with 503. */
  readonly firstByteTimeoutMs: number;
  /** Longest wait for more bytes, and for the client to take them; after it the body ends short with FIN. */
  readonly stallTimeoutMs: number;
  /** Ends running bodies early, with FIN, when the process stops. */
  readonly stop?: AbortSignal | undefined;
  /** Called with the length of a body before its first byte; it goes out while it holds what this gives. Throws to refuse. */
  readonly admit?:
    | ((bytes: number, signal: AbortSignal) => Disposable | undefined | Promise<Disposable | undefined>)
    | undefined;
  /** Headers that depend on the status, such as proofs of the cluster's secret. */
  readonly statusHeaders?: ((status: number) => Record<string, string>) | undefined;
}

export interface SendResult {
  /** Bytes handed to the socket. */
  readonly bytes: number;
  /** `aborted`: the client left; `failed`: the source or the client stalled, or the source broke. */
  readonly outcome: 'sent' | 'aborted' | 'failed';
  readonly error?: unknown;
}

/**
 * Writes a range of `source` as the body of a reply whose status and headers the caller has set. Takes the socket
 * from fastify and moves bytes with one pooled buffer: read, write, wait until the socket has taken them. A body
 * that cannot be finished ends with FIN, never RST: runtimes resume a short body by Range and give up on a reset.
 * The source stays open.
 * @throws ShoalError SOURCE_STALLED, the source's error or that of `admit`, before anything is sent; never after that
 */
export const sendBlob = async (
  reply: FastifyReply,
  source: BlobSource,
  range: ByteRange,
  options: SendOptions,
): Promise<SendResult> => {
  using watchdog = new Watchdog(options.stop);
  const clientLeft = (): void => watchdog.abort(new ClientLeftError());
  reply.raw.once('close', clientLeft);
  try {
    using _place = await options.admit?.(range.end - range.start, watchdog.signal);
    if (range.end > range.start) await waitFor(source, range.start, options.firstByteTimeoutMs, watchdog);
    reply.hijack();
    const headers = { ...(reply.getHeaders() as Record<string, string>), ...options.statusHeaders?.(reply.statusCode) };
    reply.raw.writeHead(reply.statusCode, headers);
    return await writeBody(reply.raw, source, range, watchdog, options.stallTimeoutMs);
  } finally {
    reply.raw.off('close', clientLeft);
  }
};

/** Bytes a reply may write before other sockets have their turn: a fast reader never blocks this one. */
const turnBytesMax = 2 * MiB;

const writeBody = async (
  raw: ServerResponse,
  source: BlobSource,
  range: ByteRange,
  watchdog: Watchdog,
  stallTimeoutMs: number,
): Promise<SendResult> => {
  const buffer = replyBuffers.take();
  let bufferIsOurs = true;
  let position = range.start;
  let turnBytes = 0;
  try {
    while (position < range.end) {
      const read = source.readInto(buffer.subarray(0, Math.min(buffer.length, range.end - position)), position);
      if (read === 0) {
        await waitFor(source, position, stallTimeoutMs, watchdog);
        continue;
      }
      bufferIsOurs = false;
      await write(raw, buffer.subarray(0, read), stallTimeoutMs, watchdog);
      bufferIsOurs = true;
      position += read;
      turnBytes += read;
      if (turnBytes >= turnBytesMax) {
        turnBytes = 0;
        await nextTurn();
      }
    }
    raw.end();
    return { bytes: position - range.start, outcome: 'sent' };
  } catch (error) {
    endWithFin(raw);
    return { bytes: position - range.start, outcome: error instanceof ClientLeftError ? 'aborted' : 'failed', error };
  } finally {
    // The socket may still read from a buffer whose write did not finish; that one is left to the collector.
    if (bufferIsOurs) replyBuffers.give(buffer);
  }
};

const waitFor = (source: BlobSource, offset: number, timeoutMs: number, watchdog: Watchdog): Promise<void> =>
  watchdog.guard(
    timeoutMs,
    () => new ShoalError('SOURCE_STALLED', 503, `the byte at offset ${offset} did not come within ${timeoutMs} ms`),
    () => source.waitFor(offset, watchdog.signal),
  );

/** Resolves when the socket has taken the chunk: until then the buffer belongs to it. */
const write = (raw: ServerResponse, chunk: Uint8Array, timeoutMs: number, watchdog: Watchdog): Promise<void> =>
  watchdog.guardCallback(
    timeoutMs,
    () => new ShoalError('CLIENT_STALLED', 503, `the client took nothing for ${timeoutMs} ms`),
    (done) => raw.write(chunk, (error) => done(error ? new ClientLeftError({ cause: error }) : undefined)),
  );

class ClientLeftError extends ShoalError {
  constructor(options?: { cause: unknown }) {
    super('CLIENT_GONE', 499, 'the client closed the connection', options);
  }
}
