import type { IncomingMessage } from 'node:http';
import { OciError, ShoalError } from '@shoal/core';
import type { FastifyRequest } from 'fastify';

/** Bytes the client says its body has; undefined when it does not (chunked). */
export const contentLength = (request: FastifyRequest): number | undefined => {
  const raw = request.headers['content-length'];
  return raw === undefined ? undefined : Number(raw);
};

/**
 * The chunks of a request's body. A client that sends nothing for `idleTimeoutMs` is given up; time that the reader
 * takes for a chunk does not count. The request stays usable when the reader stops early, so that it can be answered.
 * @throws ShoalError BODY_STALLED, or the connection's error when the client is gone
 */
export async function* bodyChunks(request: FastifyRequest, idleTimeoutMs: number): AsyncGenerator<Uint8Array> {
  const chunks = (request.raw as IncomingMessage).iterator({ destroyOnReturn: false });
  let stalled: () => void = () => undefined;
  const timer = setTimeout(() => stalled(), idleTimeoutMs);
  try {
    for (;;) {
      timer.refresh();
      const next = await new Promise<IteratorResult<Uint8Array>>((resolve, reject) => {
        stalled = () => reject(new ShoalError('BODY_STALLED', 408, `the client sent nothing for ${idleTimeoutMs} ms`));
        chunks.next().then(resolve, reject);
      });
      stalled = () => undefined;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    clearTimeout(timer);
    // Takes the iterator's listeners off the request: what is left of a refused body could not be dropped otherwise.
    void chunks.return?.();
  }
}

/** A whole small body. @throws OciError SIZE_INVALID (413) above `bytesMax` */
export const readBody = async (
  request: FastifyRequest,
  options: { bytesMax: number; idleTimeoutMs: number },
): Promise<Uint8Array> => {
  const tooLarge = (): OciError =>
    new OciError('SIZE_INVALID', `the body is larger than ${options.bytesMax} bytes`, { status: 413 });
  if ((contentLength(request) ?? 0) > options.bytesMax) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bodyChunks(request, options.idleTimeoutMs)) {
    size += chunk.length;
    if (size > options.bytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
};
