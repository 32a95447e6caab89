import { OciError } from '@shoal/core';
import type { FastifyRequest } from 'fastify';
import { BodyBatches, type BodyOptions, type BodyPace } from './body-batches.ts';

/** Bytes the client says its body has; undefined when it does not (chunked). */
export const contentLength = (request: FastifyRequest): number | undefined => {
  const raw = request.headers['content-length'];
  return raw === undefined ? undefined : Number(raw);
};

/**
 * The bytes of a request's body in large batches, each valid until the next is asked for. A client that sends nothing,
 * or too little, for `idleTimeoutMs` is given up; time that the reader takes does not count. The request stays usable
 * when the reader stops early, so that it can be answered.
 * @throws ShoalError BODY_STALLED, or the connection's error when the client is gone
 */
export async function* bodyChunks(request: FastifyRequest, options: BodyOptions): AsyncGenerator<Uint8Array> {
  const batches = new BodyBatches(request.raw, contentLength(request), options);
  try {
    for (let batch = await batches.next(); batch; batch = await batches.next()) {
      yield batch;
      batches.giveBack(batch);
    }
  } finally {
    batches.stop();
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
    chunks.push(new Uint8Array(chunk));
  }
  return Buffer.concat(chunks, size);
};
