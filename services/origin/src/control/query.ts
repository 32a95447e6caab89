import { type Digest, InvalidValueError, parseDigest, parseRepositoryName, type RepositoryName } from '@shoal/core';
import { queryOf } from '@shoal/registry';
import type { FastifyRequest } from 'fastify';

/** The repository a control request speaks of. @throws InvalidValueError, OciError NAME_INVALID */
export const repositoryOf = (request: FastifyRequest): RepositoryName => {
  const raw = queryOf(request).get('repository');
  if (raw === null) throw new InvalidValueError('repository', raw, 'the query parameter is needed');
  return parseRepositoryName(raw);
};

/** The digest at the end of a control path. @throws OciError DIGEST_INVALID */
export const digestOf = (request: FastifyRequest): Digest => parseDigest((request.params as { digest: string }).digest);
