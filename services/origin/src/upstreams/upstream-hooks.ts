import { parseDigest, parseRepositoryName, parseTag, type RepositoryName } from '@shoal/core';
import { parseRegistryRoute, queryOf } from '@shoal/registry';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { readOnly, staleWarning } from './pull-through-registry.ts';
import type { UpstreamSide } from './upstream-side.ts';

/** Agents' questions about content of upstream repositories: manifests are made present before they are answered from the store. */
export const prepareUpstreamContent = (
  app: FastifyInstance,
  { pullThrough }: Pick<UpstreamSide, 'pullThrough'>,
): void => {
  app.addHook('preHandler', async (request, reply) => {
    const { digest, tag } = request.params as { digest?: string; tag?: string };
    const raw = queryOf(request).get('repository');
    if (raw === null || (digest === undefined && tag === undefined)) return;
    const name = parseRepositoryName(raw);
    if (!pullThrough.owns(name)) return;
    if (tag !== undefined && (await pullThrough.tag(name, parseTag(tag))) === 'stale')
      void reply.header('warning', staleWarning);
    if (digest === undefined) return;
    await pullThrough.manifest(name, parseDigest(digest), 'unknown');
    await pullThrough.mount(name, parseDigest(digest));
  });
};

/** Refuses pushes and deletes below the names of upstream registries. */
export const refusePushesToUpstreams = (
  app: FastifyInstance,
  { pullThrough }: Pick<UpstreamSide, 'pullThrough'>,
): void => {
  app.addHook('onRequest', async (request) => {
    if (request.method === 'GET' || request.method === 'HEAD') return;
    const name = repositoryOf(request);
    if (name !== undefined && pullThrough.owns(name)) throw readOnly(name);
  });
};

/** Of a path of the registry API or of `/shoal/v1/namespaces/<name>/blobs/<digest>`; what is malformed is answered elsewhere. */
const repositoryOf = ({ raw, params }: FastifyRequest): RepositoryName | undefined => {
  try {
    const path = (params as { '*'?: string })['*'] ?? '';
    const namespace = raw.url?.startsWith('/shoal/') === true ? /^(.+)\/blobs\/[^/]+$/.exec(path)?.[1] : undefined;
    if (namespace !== undefined) return parseRepositoryName(namespace);
    const route = parseRegistryRoute(raw.url ?? '');
    return route.kind === 'base' ? undefined : route.repository;
  } catch {
    return undefined;
  }
};
