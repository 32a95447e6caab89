import { OciError, parseDigest } from '@shoal/core';
import type { FastifyInstance } from 'fastify';
import type { Content } from '../content.ts';
import { repositoryOf } from '../control/query.ts';
import { manifestUnknown } from '../manifest/manifests.ts';
import type { PullThrough } from './pull-through.ts';

/**
 * `GET manifests/<digest>?repository=`: what the other origins ask the owner of an upstream's repository. A manifest, or a
 * 404 that tells in `shoal-blob-size` the size of what a manifest of the repository names as a blob.
 */
export const registerRingRoutes = (
  app: FastifyInstance,
  { content, pullThrough }: { readonly content: Content; readonly pullThrough: PullThrough },
): void => {
  app.get('/manifests/:manifest', async (request, reply) => {
    const name = repositoryOf(request);
    const digest = parseDigest((request.params as { manifest: string }).manifest);
    if (!pullThrough.owns(name)) throw new OciError('NAME_UNKNOWN', `${name} is no repository of an upstream here`);
    await pullThrough.manifest(name, digest, 'unknown');
    const link = await content.catalog.get(name)?.manifestLink(digest);
    const bytes = link && (await content.readManifest(digest));
    if (bytes) return reply.header('content-type', link.mediaType).send(Buffer.from(bytes));
    const { descriptors } = pullThrough;
    const size = descriptors.isBlob(name, digest) ? descriptors.size(name, digest) : undefined;
    if (size !== undefined) void reply.header('shoal-blob-size', size);
    throw manifestUnknown(name, { kind: 'digest', digest });
  });
};
