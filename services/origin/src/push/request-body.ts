import type { IncomingMessage } from 'node:http';
import { OciError, ShoalError } from '@shoal/core';
import type { FastifyRequest } from 'fastify';

/** Bytes the client says its body has; undefined when it does not (chunked). */
export const contentLength = (request: FastifyRequest): number | undefined => {
  const raw = request.headers['content-length'];
  return raw === undefined ? undefined : Number(raw);
};

/** What a client has to send of a body in time. */
export interface BodyPace {
  /** How long a client may send nothing; also the window over which `bytesPerSecondMin` is measured. */
  readonly idleTimeoutMs: number;
  readonly bytesPerSecondMin: number;
}

/**
 * The chunks of a request's body. A client that sends nothing, or too little, for `idleTimeoutMs` is given up; time
 * that the reader takes for a chunk does not count. The request stays usable when the reader stops early, so that it
 * can be answered.
 * @throws ShoalError BODY_STALLED, or the connection's error when the client is gone
 */
export async function* bodyChunks(
  request: FastifyRequest,
  pace: BodyPace,
  clock = (): number => performance.now(),
): AsyncGenerator<Uint8Array> {
  const chunks = (request.raw as IncomingMessage).iterator({ destroyOnReturn: false });
  const meter = new PaceMeter(pace);
  let stalled: () => void = () => undefined;
  const timer = setTimeout(() => stalled(), pace.idleTimeoutMs);
  try {
    for (;;) {
      timer.refresh();
      const sinceMs = clock();
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        stalled = () => reject(bodyStalled(`the client sent nothing for ${pace.idleTimeoutMs} ms`));
        chunks.next().then(resolve, reject);
      });
      stalled = () => undefined;
      if (next.done) return;
      const slow = meter.took(clock() - sinceMs, next.value.length);
      yield next.value;
      if (slow !== undefined && !request.raw.complete) throw bodyStalled(slow);
    }
  } finally {
    clearTimeout(timer);
    // Takes the iterator's listeners off the request: what is left of a refused body could not be dropped otherwise.
    void chunks.return?.();
  }
}

const bodyStalled = (message: string): ShoalError => new ShoalError('BODY_STALLED', 408, message);

/** Measures a client by windows of the time that was spent waiting for it. */
class PaceMeter {
  readonly #pace: BodyPace;
  #waitedMs = 0;
  #bytes = 0;

  constructor(pace: BodyPace) {
    this.#pace = pace;
  }

  /** Undefined as long as the client is fast enough, else what is wrong. */
  took(waitedMs: number, bytes: number): string | undefined {
    const { idleTimeoutMs, bytesPerSecondMin } = this.#pace;
    this.#waitedMs += waitedMs;
    this.#bytes += bytes;
    if (this.#waitedMs < idleTimeoutMs) return undefined;
    const seconds = this.#waitedMs / 1000;
    if (this.#bytes < seconds * bytesPerSecondMin)
      return `the client sent ${this.#bytes} bytes in ${seconds.toFixed(1)} s; allowed are ${bytesPerSecondMin} a second and more`;
    this.#waitedMs = 0;
    this.#bytes = 0;
    return undefined;
  }
}

/** A whole small body. @throws OciError SIZE_INVALID (413) above `bytesMax` */
export const readBody = async (
  request: FastifyRequest,
  options: BodyPace & { readonly bytesMax: number },
): Promise<Uint8Array> => {
  const tooLarge = (): OciError =>
    new OciError('SIZE_INVALID', `the body is larger than ${options.bytesMax} bytes`, { status: 413 });
  if ((contentLength(request) ?? 0) > options.bytesMax) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bodyChunks(request, options)) {
    size += chunk.length;
    if (size > options.bytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
};
