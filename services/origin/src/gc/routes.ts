import { InvalidValueError, OciError, parseManifestReference, parseRepositoryName } from '@shoal/core';
import { queryOf } from '@shoal/registry';
import { type ClusterAuth, requireClusterAuth, schemaParser } from '@shoal/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Access } from '../auth/push-auth.ts';
import { actionsOf } from '../auth/required-grants.ts';
import { type Grant, grantsOf } from '../auth/scope.ts';
import type { Content } from '../content.ts';
import type { Manifests } from '../manifest/manifests.ts';
import { removeImage } from '../manifest/removal.ts';
import { readOnly } from '../upstreams/pull-through-registry.ts';
import type { UpstreamSide } from '../upstreams/upstream-side.ts';
import type { Collector } from './collector.ts';
import { GcRequestSchema } from './schema.ts';

export interface RemovalOptions {
  readonly content: Content;
  readonly manifests: Manifests;
  readonly collector: Collector;
  readonly upstreams: Pick<UpstreamSide, 'pullThrough'>;
  readonly access: Access;
  readonly auth: ClusterAuth;
}

const bodyBytesMax = 4096;
const parseGc = schemaParser(GcRequestSchema);

const parseJson = async (_request: FastifyRequest, body: string): Promise<unknown> => {
  try {
    return body === '' ? {} : JSON.parse(body);
  } catch {
    throw new InvalidValueError('body', body.slice(0, 100), 'allowed is JSON');
  }
};

/**
 * DELETE /shoal/v1/repositories/<name>/manifests/<reference>[?whole=true] -> Removed, POST and GET /shoal/v1/gc -> GcState.
 * For who may push, and for processes of the cluster.
 */
export const registerRemovalRoutes = (app: FastifyInstance, options: RemovalOptions): void => {
  const { collector, access, auth } = options;
  requireClusterAuth(app, auth, (request, reply) => access.check(request, reply, requiredGrants(request)));
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: bodyBytesMax }, parseJson);
  app.post('/gc', async ({ body }, reply) => reply.code(202).send(collector.start(parseGc(body ?? {}))));
  app.get('/gc', async () => collector.state ?? { state: 'never' });
  app.delete('/repositories/*', async (request) => {
    const { name, reference } = parsePath(request);
    if (options.upstreams.pullThrough.owns(name)) throw readOnly(name);
    return removeImage(options, name, reference, queryOf(request).get('whole') === 'true');
  });
};

/** Who may push anywhere may have garbage removed. */
const requiredGrants = (request: FastifyRequest): Grant[] => {
  const path = (request.params as { '*'?: string })['*'] ?? '';
  return grantsOf(path.slice(0, Math.max(0, path.lastIndexOf('/manifests/'))), actionsOf(request.method));
};

/** `<name>/manifests/<reference>`, read from the end: names contain slashes. */
const parsePath = (request: FastifyRequest) => {
  const match = /^(.+)\/manifests\/([^/]+)$/.exec((request.params as { '*': string })['*']);
  if (!match)
    throw new OciError('NAME_UNKNOWN', 'path: allowed is /shoal/v1/repositories/<name>/manifests/<reference>');
  return { name: parseRepositoryName(match[1] ?? ''), reference: parseManifestReference(match[2] ?? '') };
};
