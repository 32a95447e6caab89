import { OciError, parseTag, type Tag } from '@shoal/core';
import { queryOf, type RegistryHandlers } from '@shoal/registry';
import type { FastifyRequest } from 'fastify';
import type { Manifests } from '../manifest/manifests.ts';
import type { BodyPace } from './body-batches.ts';
import { readBody } from './request-body.ts';

export interface ManifestLimits extends BodyPace {
  readonly bytesMax: number;
  /** Tags in the query of one push. */
  readonly tagsMax: number;
}

/** Pushing and deleting manifests: end-7 and end-9 of the OCI Distribution Specification. */
export const manifestHandlers = (manifests: Manifests, limits: ManifestLimits): RegistryHandlers => ({
  'PUT manifest': async ({ repository, reference }, request, reply) => {
    const tags = tagsOf(request, limits.tagsMax);
    const bytes = await readBody(request, limits);
    const pushed = await manifests.push({
      repository,
      reference,
      tags,
      bytes,
      contentType: request.headers['content-type'],
    });
    void reply.headers({
      location: `/v2/${repository}/manifests/${pushed.digest}`,
      'docker-content-digest': pushed.digest,
      'content-length': '0',
      ...(pushed.subject && { 'oci-subject': pushed.subject }),
    });
    if (tags.length > 0) void reply.header('oci-tag', tags);
    return reply.code(201).send();
  },

  'DELETE manifest': async ({ repository, reference }, _request, reply) => {
    await manifests.delete(repository, reference);
    return reply.code(202).send();
  },
});

const tagsOf = (request: FastifyRequest, tagsMax: number): Tag[] => {
  const tags = new Set(queryOf(request).getAll('tag').map(parseTag));
  if (tags.size > tagsMax)
    throw new OciError(
      'MANIFEST_INVALID',
      `tag: ${tags.size} tags are not allowed in one push; at most ${tagsMax} are`,
      { status: 414 },
    );
  return [...tags];
};
