import { type Digest, encodeCut, encodeMetainfo, OciError, parseTag, type PublicKeyRecord } from '@shoal/core';
import type { ClusterAnnouncement } from '@shoal/protocol';
import { type SendOptions, type SendResult, serveBlob } from '@shoal/registry';
import { type ClusterAuth, proofHeaders, requireClusterAuth } from '@shoal/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ColdBlobs } from '../cold/cold-blobs.ts';
import type { Content } from '../content.ts';
import { openToRead } from '../read-registry.ts';
import { digestOf, repositoryOf } from './query.ts';

/** Public keys that agents learn of one origin: its own, and those of the others. */
const keysMax = 64;

export interface ControlOptions {
  readonly content: Content;
  readonly cold: ColdBlobs;
  readonly auth: ClusterAuth;
  /** With the own key alone. */
  readonly cluster: ClusterAnnouncement;
  readonly fellowKeys: () => readonly PublicKeyRecord[];
  readonly send: SendOptions;
  readonly contentSent: (digest: Digest, result: SendResult) => void;
}

/** The API that agents call, under `/shoal/v1`; every request is signed with the cluster secret when there is one. */
export const registerControlRoutes = (app: FastifyInstance, options: ControlOptions): void => {
  const { content, cold, auth, cluster } = options;
  requireClusterAuth(app, auth);

  app.get('/cluster', async () => ({ ...cluster, keys: [...cluster.keys, ...options.fellowKeys()].slice(0, keysMax) }));

  app.get('/metainfo/:digest', async (request, reply) => {
    const digest = digestOf(request);
    const name = repositoryOf(request);
    const fetch = await cold.want(name, digest, request.signal);
    // A manifest may name what its repository does not have: only the first byte shows that there is such a blob.
    await fetch?.begins();
    const cut = await fetch?.swarmCut();
    if (cut) {
      return reply
        .header('content-type', 'application/vnd.shoal.metainfo.growing.v1+json')
        .header('cache-control', 'no-store')
        .send(Buffer.from(encodeCut(cut)));
    }
    // Nothing of it can be served before it is complete.
    await fetch?.done;
    const signed = (await content.catalog.require(name).holds(digest))
      ? await content.blobs.metainfo(digest)
      : undefined;
    if (!signed) throw new OciError('BLOB_UNKNOWN', `repository ${name} has no content ${digest}`);
    content.used(digest);
    return reply
      .header('content-type', 'application/vnd.shoal.metainfo.v1+json')
      .send(Buffer.from(encodeMetainfo(signed)));
  });

  app.get('/tags/:tag', async (request, reply) => {
    const tag = parseTag((request.params as { tag: string }).tag);
    const name = repositoryOf(request);
    const record = await content.catalog.require(name).tags.bytes(tag);
    if (!record) throw new OciError('MANIFEST_UNKNOWN', `repository ${name} has no tag ${tag}`);
    return reply.header('content-type', 'application/vnd.shoal.tag.v1+json').send(Buffer.from(record));
  });

  app.route({
    method: ['GET', 'HEAD'],
    url: '/content/:digest',
    handler: async (request, reply) => {
      const digest = digestOf(request);
      const name = repositoryOf(request);
      const { method, signal } = request;
      const source = await openToRead(cold, { name, digest, method, signal }, () => content.openAny(name, digest));
      const result = await serveBlob(source, digest, request, reply, {
        ...options.send,
        statusHeaders: proofs(auth, request),
      });
      if (result) options.contentSent(digest, result);
      return reply;
    },
  });
};

/** Bodies are sent past fastify's hooks, so the proof of our side goes with their head. */
const proofs = (auth: ClusterAuth, request: FastifyRequest) => (status: number) => proofHeaders(auth, request, status);
