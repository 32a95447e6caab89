import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ShoalError } from '@shoal/core';
import type { ClusterAuth } from './cluster-auth.ts';
import { isNonce, unsignedBody } from './cluster-auth.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `unsigned`: the body is streamed and checked by other means, its bytes are not part of the signature. */
    clusterAuthBody?: 'signed' | 'unsigned';
  }
}

const nonces = new WeakMap<FastifyRequest, string>();

/** Decides on a request that carries no signature. @throws ShoalError */
export type UnsignedCheck = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/**
 * Requires the cluster's signature on every route of `app` that is added after this call, and proves our own
 * side on every answer. A body is read (up to the route's bodyLimit) and hashed before it is parsed. With `unsigned`
 * requests without a signature are its to decide on.
 */
export const requireClusterAuth = (app: FastifyInstance, auth: ClusterAuth, unsigned?: UnsignedCheck): void => {
  const isSigned = ({ headers }: FastifyRequest): boolean => auth.enabled && headers['shoal-auth'] !== undefined;
  if (!auth.enabled && !unsigned) return;
  app.addHook('onRequest', async (request, reply) => {
    if (unsigned && !isSigned(request)) return unsigned(request, reply);
    auth.verifyHeaders(request.headers);
    if (streamsBody(request) || !hasBody(request))
      remember(auth, request, streamsBody(request) ? unsignedBody : undefined);
  });
  app.addHook('preParsing', async (request, reply, payload) => {
    if (nonces.has(request) || (unsigned && !isSigned(request))) return payload;
    const bytesMax = request.routeOptions.bodyLimit ?? app.initialConfig.bodyLimit ?? 1024 * 1024;
    const body = await readBounded(payload, bytesMax);
    // The rest of the body is still on its way: this connection has no next request.
    if (!body) {
      reply.header('connection', 'close');
      throw new ShoalError('BODY_TOO_LARGE', 413, `the body is larger than ${bytesMax} bytes`);
    }
    remember(auth, request, body);
    return Object.assign(Readable.from([body]), { receivedEncodedLength: body.length });
  });
  app.addHook('onSend', async (request, reply) => {
    reply.headers(proofHeaders(auth, request, reply.statusCode));
  });
};

/**
 * The headers that prove our side of an answer; only needed for replies that are hijacked, where no hook runs.
 * Failures are proved even before the request is verified (a body too long, an overload), so that the caller
 * learns the true reason; a success is proved to a verified caller only.
 */
export const proofHeaders = (auth: ClusterAuth, request: FastifyRequest, status: number): Record<string, string> => {
  const nonce = nonces.get(request) ?? (status >= 400 ? claimedNonce(request) : undefined);
  return nonce === undefined ? {} : auth.answerHeaders(nonce, status);
};

const claimedNonce = ({ headers }: FastifyRequest): string | undefined => {
  const nonce = headers['shoal-nonce'];
  return typeof nonce === 'string' && isNonce(nonce) ? nonce : undefined;
};

const remember = (
  auth: ClusterAuth,
  request: FastifyRequest,
  body: Uint8Array | typeof unsignedBody | undefined,
): void => {
  nonces.set(
    request,
    auth.verifyRequest({ method: request.method, path: request.raw.url ?? '', headers: request.headers, body }),
  );
};

const streamsBody = (request: FastifyRequest): boolean => request.routeOptions.config.clusterAuthBody === 'unsigned';

const hasBody = ({ headers }: FastifyRequest): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

/** Undefined as soon as more than `bytesMax` came; the stream is left as it is, or its connection would be cut before the answer. */
const readBounded = async (payload: Readable, bytesMax: number): Promise<Buffer | undefined> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of payload.iterator({ destroyOnReturn: false })) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > bytesMax) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks, size);
};
