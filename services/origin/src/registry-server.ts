import type { Digest, RepositoryName } from '@shoal/core';
import type { ClusterAnnouncement } from '@shoal/protocol';
import { createRegistryServer, pullHandlers, registerRegistryRoutes, type SendResult } from '@shoal/registry';
import type { Sendfile } from '@shoal/transport/sendfile';
import { type ClusterAuth, type Log, serveOpenApi, serverTls } from '@shoal/service';
import type { FastifyInstance } from 'fastify';
import type { AccessTokens } from './auth/access-tokens.ts';
import { Access } from './auth/push-auth.ts';
import { requiredGrants } from './auth/required-grants.ts';
import { registerTokenEndpoint } from './auth/token-endpoint.ts';
import type { Users } from './auth/users.ts';
import { BodyGate } from './body-gate.ts';
import type { TagSigner } from './catalog/tags.ts';
import type { ColdBlobs } from './cold/cold-blobs.ts';
import type { OriginConfig } from './config.ts';
import type { Content } from './content.ts';
import { registerControlRoutes } from './control/control-routes.ts';
import { registerNamespaceRoutes } from './control/namespace-routes.ts';
import { registerReferrersRoute } from './control/referrers-route.ts';
import type { OriginEvents, Receiver } from './events.ts';
import type { Collector } from './gc/collector.ts';
import { registerRemovalRoutes } from './gc/routes.ts';
import type { Manifests } from './manifest/manifests.ts';
import { blobHandlers } from './push/blob-handlers.ts';
import type { BlobReceiver } from './push/blob-receiver.ts';
import { manifestHandlers } from './push/manifest-handlers.ts';
import { OriginReadRegistry } from './read-registry.ts';
import type { OriginRing } from './ring/origin-ring.ts';
import { PullThroughRegistry } from './upstreams/pull-through-registry.ts';
import { registerRingRoutes } from './upstreams/ring-routes.ts';
import { prepareUpstreamContent, refusePushesToUpstreams } from './upstreams/upstream-hooks.ts';
import type { KnownReferrers } from './upstreams/upstream-referrers.ts';
import type { UpstreamSide } from './upstreams/upstream-side.ts';

export interface RegistryServerParts {
  readonly config: OriginConfig;
  readonly log: Log;
  readonly events: OriginEvents;
  readonly content: Content;
  readonly cold: ColdBlobs;
  readonly manifests: Manifests;
  readonly collector: Collector;
  readonly receiver: BlobReceiver;
  readonly users: Users | undefined;
  readonly tokens: AccessTokens;
  readonly signer: TagSigner;
  readonly auth: ClusterAuth;
  readonly cluster: ClusterAnnouncement;
  readonly ring: Pick<OriginRing, 'keys'>;
  readonly upstreams: UpstreamSide;
  readonly sendfile: Sendfile | undefined;
  /** Ends bodies that still run when the process stops. */
  readonly stop: AbortSignal;
}

/** Shorter than the patience of every runtime. */
const bodyWaitMs = 10_000;

/** The HTTP side of the origin: the OCI registry, the control API and the generic blobs on one port. */
export const createOriginServer = (parts: RegistryServerParts): FastifyInstance => {
  const { config, log, events, content, cold, receiver, users, tokens, auth, cluster, ring, upstreams } = parts;
  const { registry, pulls, uploads, manifests: manifestLimits } = config;
  const app = createRegistryServer({
    log,
    tls: serverTls('registry.tls', registry.tls),
    headerBytesMax: pulls.headerBytesMax,
  });
  countRequests(app, events);
  serveOpenApi(app, async () => (await import('./openapi.ts')).originApi());
  const { anonymousPull, realm } = config.auth;
  const access = new Access({ users, tokens, anonymousPull, realm });
  if (users) void app.register(async (scope) => registerTokenEndpoint(scope, { users, tokens, anonymousPull }));
  const { toClients, toAgents } = bodyOptions(parts);

  void app.register(async (scope) => {
    scope.addHook('onRequest', (request, reply) => access.check(request, reply, requiredGrants(request)));
    refusePushesToUpstreams(scope, upstreams);
    const registry = new PullThroughRegistry({ ...upstreams, stored: new OriginReadRegistry(content, cold) });
    const handlers = {
      ...pullHandlers(registry, {
        ...toClients,
        blobSent: ({ digest }, result) => sent('client', digest, result),
      }),
      ...blobHandlers(content, receiver),
      ...manifestHandlers(parts.manifests, {
        bytesMax: manifestLimits.bytesMax,
        tagsMax: manifestLimits.tagsPerPushMax,
        idleTimeoutMs: uploads.idleTimeoutMs,
        bytesPerSecondMin: uploads.bytesPerSecondMin,
      }),
    };
    registerRegistryRoutes(scope, handlers, { unsupportedMessage: 'this method is not supported here' });
  });
  const sent = (to: Receiver, digest: Digest, result: SendResult): void => {
    events.bytesSent(to, result.bytes);
    if (result.outcome === 'failed') events.bodyFailed(digest, result.error);
  };
  const control = {
    content,
    cold,
    auth,
    contentSent: (digest: Digest, result: SendResult) => sent('http', digest, result),
  };
  const controlApi = async (scope: FastifyInstance): Promise<void> => {
    prepareUpstreamContent(scope, upstreams);
    registerControlRoutes(scope, { ...control, send: toAgents, cluster, fellowKeys: () => ring.keys });
    registerRingRoutes(scope, { content, pullThrough: upstreams.pullThrough });
    registerReferrersRoute(scope, { referrers: referrersOf(parts), signer: parts.signer });
  };
  const namespaceApi = async (scope: FastifyInstance): Promise<void> => {
    registerNamespaceRoutes(scope, { ...control, send: toClients, receiver, access });
    refusePushesToUpstreams(scope, upstreams);
  };
  const removalApi = async (scope: FastifyInstance): Promise<void> =>
    registerRemovalRoutes(scope, { ...parts, access });
  void app.register(controlApi, { prefix: '/shoal/v1' });
  void app.register(removalApi, { prefix: '/shoal/v1' });
  void app.register(namespaceApi, { prefix: '/shoal/v1/namespaces' });
  return app;
};

const countRequests = (app: FastifyInstance, events: OriginEvents): void => {
  app.addHook('onResponse', async (request, reply) => {
    events.requestDone(
      request.raw.url?.startsWith('/v2') ? 'registry' : 'control',
      request.method,
      reply.raw.statusCode,
      reply.elapsedTime / 1000,
    );
  });
};

/** Of an upstream by its own word, of this registry as they were pushed. */
const referrersOf =
  ({ content, upstreams }: RegistryServerParts) =>
  async (name: RepositoryName, subject: Digest): Promise<KnownReferrers> =>
    (await upstreams.referrers.find(name, subject)) ?? {
      manifests: (await content.catalog.get(name)?.referrers.list(subject)) ?? [],
      timeMs: Date.now(),
      stale: false,
    };

/** How bodies go out to clients, and to agents. */
const bodyOptions = ({ config: { pulls }, sendfile, stop }: RegistryServerParts) => {
  const { stallTimeoutMs } = pulls;
  // A stored blob waits for nothing, a cold one as long for its first byte as for any other.
  const send = { firstByteTimeoutMs: stallTimeoutMs, stallTimeoutMs, sendfile, stop };
  const gate = new BodyGate({ activeMax: pulls.activeMax, waitMs: bodyWaitMs });
  return {
    toClients: { ...send, admit: (bytes: number, signal: AbortSignal) => gate.wait(bytes, signal) },
    // Agents have peers to turn to, and come back: they do not stand in the clients' way.
    toAgents: { ...send, admit: (bytes: number) => gate.enter(bytes) },
  };
};
