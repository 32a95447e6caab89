import { type Digest, OciError, parseDigest, parseRepositoryName, type RepositoryName } from '@shoal/core';
import { type SendOptions, type SendResult, serveBlob } from '@shoal/registry';
import { type ClusterAuth, unsignedBody } from '@shoal/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Access } from '../auth/push-auth.ts';
import { actionsOf } from '../auth/required-grants.ts';
import { type Grant, grantsOf } from '../auth/scope.ts';
import type { ColdBlobs } from '../cold/cold-blobs.ts';
import type { Content } from '../content.ts';
import type { BlobReceiver } from '../push/blob-receiver.ts';
import { openToRead } from '../read-registry.ts';

export interface NamespaceOptions {
  readonly content: Content;
  readonly cold: ColdBlobs;
  readonly receiver: BlobReceiver;
  readonly access: Access;
  readonly auth: ClusterAuth;
  readonly send: SendOptions;
  readonly contentSent: (digest: Digest, result: SendResult) => void;
}

/**
 * Blobs that are no images: upload, download, stat and delete by digest under a namespace, which is a repository
 * name. The rules of the registry API hold (who may push, who may pull); processes of the cluster may sign their
 * requests instead.
 */
export const registerNamespaceRoutes = (app: FastifyInstance, options: NamespaceOptions): void => {
  const { content, cold, receiver, access, auth } = options;
  const nonces = new WeakMap<FastifyRequest, string>();
  const proofOf = (request: FastifyRequest, status: number): Record<string, string> => {
    const nonce = nonces.get(request);
    return nonce === undefined ? {} : auth.answerHeaders(nonce, status);
  };
  app.addHook('onRequest', async (request, reply) => {
    if (!auth.enabled || request.headers['shoal-auth'] === undefined)
      return access.check(request, reply, requiredGrants(request));
    const { method, headers, raw } = request;
    // The digest in the signed path vouches for the streamed body.
    const body = method === 'PUT' ? unsignedBody : undefined;
    nonces.set(request, auth.verifyRequest({ method, path: raw.url ?? '', headers, body }));
  });
  app.addHook('onSend', async (request, reply) => {
    void reply.headers(proofOf(request, reply.statusCode));
  });

  const download = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { namespace, digest } = parsePath(request);
    const { method, signal } = request;
    const read = { name: namespace, digest, method, signal };
    const source = await openToRead(cold, read, () => content.openBlob(namespace, digest));
    const statusHeaders = (status: number) => proofOf(request, status);
    const result = await serveBlob(source, digest, request, reply, { ...options.send, statusHeaders });
    if (result) options.contentSent(digest, result);
    return reply;
  };
  app.route({ method: ['GET', 'HEAD'], url: '/*', handler: download });

  app.put('/*', async (request, reply) => {
    const { namespace, digest } = parsePath(request);
    await receiver.receiveBlob(namespace, digest, request, 'kept');
    return reply
      .code(201)
      .headers({
        location: `/shoal/v1/namespaces/${namespace}/blobs/${digest}`,
        'docker-content-digest': digest,
        'content-length': '0',
      })
      .send();
  });

  app.delete('/*', async (request, reply) => {
    const { namespace, digest } = parsePath(request);
    const found = await content.unlink(content.catalog.require(namespace), 'blobs', digest);
    if (!found) throw new OciError('BLOB_UNKNOWN', `namespace ${namespace} has no blob ${digest}`);
    return reply.code(204).send();
  });
};

/** As for the registry API; a path that names nothing is answered with its own error. */
const requiredGrants = (request: FastifyRequest): Grant[] => {
  const path = (request.params as { '*': string })['*'];
  return grantsOf(path.slice(0, Math.max(0, path.lastIndexOf('/blobs/'))), actionsOf(request.method));
};

/** `<namespace>/blobs/<digest>`, read from the end: namespaces contain slashes. The router has decoded it once. */
const parsePath = (request: FastifyRequest): { namespace: RepositoryName; digest: Digest } => {
  const path = (request.params as { '*': string })['*'];
  const match = /^(.+)\/blobs\/([^/]+)$/.exec(path);
  if (!match) throw new OciError('NAME_UNKNOWN', 'path: allowed is /shoal/v1/namespaces/<namespace>/blobs/<digest>');
  return { namespace: parseRepositoryName(match[1] ?? ''), digest: parseDigest(match[2] ?? '') };
};
