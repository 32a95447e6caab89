import {
  type Digest,
  encodeReferrersRecord,
  parseDigest,
  type ReferrersRecord,
  referrersStatement,
  type RepositoryName,
} from '@shoal/core';
import { encodeReferrers } from '@shoal/registry';
import type { FastifyInstance } from 'fastify';
import type { TagSigner } from '../catalog/tags.ts';
import { staleReferrers } from '../upstreams/pull-through-registry.ts';
import type { KnownReferrers } from '../upstreams/upstream-referrers.ts';
import { repositoryOf } from './query.ts';

export interface ReferrersRouteOptions {
  readonly referrers: (name: RepositoryName, subject: Digest) => Promise<KnownReferrers>;
  readonly signer: TagSigner;
}

/** `GET referrers/<digest>?repository=`: what refers to a subject, signed, so that agents can pass it on to each other. */
export const registerReferrersRoute = (app: FastifyInstance, { referrers, signer }: ReferrersRouteOptions): void => {
  // The subject itself need not be there, so it is no `digest` to the hooks that make content present.
  app.get('/referrers/:subject', async (request, reply) => {
    const repository = repositoryOf(request);
    const subject = parseDigest((request.params as { subject: string }).subject);
    const { manifests, timeMs, stale } = await referrers(repository, subject);
    const record: ReferrersRecord = { repository, subject, index: encodeReferrers(manifests), timeMs };
    if (stale) void reply.header('warning', staleReferrers);
    const signatures = [signer.sign(referrersStatement(record))];
    return reply
      .header('content-type', 'application/vnd.shoal.referrers.v1+json')
      .send(Buffer.from(encodeReferrersRecord({ record, signatures })));
  });
};
