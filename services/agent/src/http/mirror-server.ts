import { createRegistryServer, type ReadContext, registerPullRoutes } from '@shoal/registry';
import { serverTls } from '@shoal/service';
import type { FastifyInstance } from 'fastify';
import type { RegistryServerParts, ServedRegistry } from './registry-server.ts';

/**
 * A listener that is one other registry to its clients: Docker's `registry-mirrors` asks for the images of Docker Hub by
 * their plain names, which at the agent's own listener are those of the cluster.
 */
export const createMirrorServer = (parts: RegistryServerParts, upstream: string): FastifyInstance => {
  const { config, log, events, registry, sendfile, stop } = parts;
  const { deadlines } = config;
  const app = createRegistryServer({ log, tls: serverTls('registry.tls', config.registry.tls) });
  app.addHook('onResponse', async (request, reply) => events.requestDone(request.method, reply.raw.statusCode));
  registerPullRoutes(app, standingFor(registry, upstream), {
    firstByteTimeoutMs: deadlines.firstByteMs,
    stallTimeoutMs: deadlines.stallMs,
    sendfile,
    stop,
    pushRefusedMessage: `this is a mirror of ${upstream} and serves pulls only`,
    blobSent: ({ digest }, result) => events.blobServed(digest, result),
  });
  return app;
};

/** An `ns` query, which containerd sends, is more than the listener knows. */
const standingFor = (registry: ServedRegistry, host: string): ServedRegistry => {
  const named = (context: ReadContext): ReadContext => ({
    method: context.method,
    authorization: context.authorization,
    reachedAt: context.reachedAt,
    upstream: context.upstream ?? host,
    get signal() {
      return context.signal;
    },
  });
  return {
    base: async (context) => registry.base?.(named(context)),
    manifest: (repository, reference, context) => registry.manifest(repository, reference, named(context)),
    blob: (repository, digest, context) => registry.blob(repository, digest, named(context)),
    tags: (repository, page, context) => registry.tags(repository, page, named(context)),
    referrers: (repository, subject, context) => registry.referrers(repository, subject, named(context)),
  };
};
