import type { ServerResponse } from 'node:http';
import { ShoalError } from '@shoal/core';
import type { Sendfile } from '@shoal/transport/sendfile';
import type { FastifyReply } from 'fastify';
import type { BlobSource } from './blob-source.ts';
import { BodyWriter, ClientLeftError } from './body-writer.ts';
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
  /** Moves bytes of sources that lie in a file, where it can; without it all go by read and write. */
  readonly sendfile?: Sendfile | undefined;
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
 * from fastify. A body that cannot be finished ends with FIN, never RST: runtimes resume a short body by Range and give
 * up on a reset. The source stays open.
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
    return await writeBody(reply.raw, source, range, watchdog, options);
  } finally {
    reply.raw.off('close', clientLeft);
  }
};

const writeBody = async (
  raw: ServerResponse,
  source: BlobSource,
  range: ByteRange,
  watchdog: Watchdog,
  { stallTimeoutMs, sendfile }: SendOptions,
): Promise<SendResult> => {
  using writer = new BodyWriter(range.start, { raw, source, watchdog, stallTimeoutMs, sendfile });
  try {
    while (true) {
      await writer.moveTo(range.end);
      if (writer.position === range.end) break;
      await waitFor(source, writer.position, stallTimeoutMs, watchdog);
    }
    raw.end();
    return { bytes: writer.position - range.start, outcome: 'sent' };
  } catch (error) {
    endWithFin(raw);
    const outcome = error instanceof ClientLeftError ? 'aborted' : 'failed';
    return { bytes: writer.takenTo - range.start, outcome, error };
  }
};

const waitFor = (source: BlobSource, offset: number, timeoutMs: number, watchdog: Watchdog): Promise<void> =>
  watchdog.guard(
    timeoutMs,
    () => new ShoalError('SOURCE_STALLED', 503, `the byte at offset ${offset} did not come within ${timeoutMs} ms`),
    () => source.waitFor(offset, watchdog.signal),
  );
