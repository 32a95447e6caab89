import type { Digest } from '@shoal/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { BlobSource } from './blob-source.ts';
import { parseRange } from './range.ts';
import { sendBlob, type SendOptions, type SendResult } from './send-blob.ts';

/**
 * Answers GET or HEAD of a blob: the headers clients rely on, If-None-Match, Range with If-Range, and the body.
 * Closes the source. Undefined when the answer has no body.
 * @throws RangeNotSatisfiableError, or the source's error, while nothing is sent
 */
export const serveBlob = async (
  source: BlobSource,
  digest: Digest,
  request: FastifyRequest,
  reply: FastifyReply,
  options: SendOptions,
): Promise<SendResult | undefined> => {
  try {
    void reply.headers({
      'docker-content-digest': digest,
      etag: `"${digest}"`,
      'accept-ranges': 'bytes',
      'cache-control': 'max-age=31536000',
      'content-type': 'application/octet-stream',
    });
    if (hasEtag(request.headers['if-none-match'], digest)) {
      void reply.code(304).send();
      return undefined;
    }
    const range = rangeOf(request, source.size, digest);
    if (range) void reply.code(206).header('content-range', `bytes ${range.start}-${range.end - 1}/${source.size}`);
    const { start, end } = range ?? { start: 0, end: source.size };
    void reply.header('content-length', end - start);
    if (request.method === 'HEAD') {
      void reply.send();
      return undefined;
    }
    return await sendBlob(reply, source, { start, end }, options);
  } finally {
    source.close();
  }
};

/** A Range whose If-Range names other content asks for the whole. Source: RFC 9110, section 13.1.5. */
const rangeOf = (request: FastifyRequest, size: number, digest: Digest) => {
  const ifRange = request.headers['if-range'];
  const outdated = typeof ifRange === 'string' && !hasEtag(ifRange, digest);
  return request.method === 'GET' && !outdated ? parseRange(request.headers.range, size) : undefined;
};

/** Whether an If-None-Match or If-Range header names the content. Source: RFC 9110, section 13.1.2. */
export const hasEtag = (header: string | undefined, digest: Digest): boolean =>
  header !== undefined && (header.trim() === '*' || header.includes(`"${digest}"`));
