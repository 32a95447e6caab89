import { OciError, parseDigest, parseRepositoryName } from '@shoal/core';
import {
  createRegistryServer,
  pushRefused,
  type ReadRegistry,
  registerPullRoutes,
  RequestContext,
  type SendOptions,
  serveBlob,
} from '@shoal/registry';
import type { Sendfile } from '@shoal/transport/sendfile';
import { serverTls, type Log, serveOpenApi } from '@shoal/service';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AgentConfig } from '../config.ts';
import type { AgentEvents } from '../events.ts';
import { registerTokenRelay, type TokenRelayOptions } from '../access/token-relay.ts';

/** What the agent has for its clients, behind the checks that the configuration asks for. */
export type ServedRegistry = ReadRegistry & Required<Omit<ReadRegistry, 'base'>>;

export interface RegistryServerParts {
  readonly config: AgentConfig;
  readonly log: Log;
  readonly events: AgentEvents;
  readonly registry: ServedRegistry;
  /** Set where clients need tokens of the origin. */
  readonly tokenRelay: TokenRelayOptions | undefined;
  readonly sendfile: Sendfile | undefined;
  /** Ends bodies that still run when the process stops. */
  readonly stop: AbortSignal;
}

/** The HTTP side of the agent: the OCI registry API for pulls, and generic blobs, on one port. */
export const createAgentServer = ({
  config,
  log,
  events,
  registry,
  tokenRelay,
  sendfile,
  stop,
}: RegistryServerParts): FastifyInstance => {
  const { deadlines, origins } = config;
  const app = createRegistryServer({ log, tls: serverTls('registry.tls', config.registry.tls) });
  app.addHook('onResponse', async (request, reply) => events.requestDone(request.method, reply.raw.statusCode));
  serveOpenApi(app, async () => (await import('../openapi.ts')).agentApi());
  const { firstByteMs: firstByteTimeoutMs, stallMs: stallTimeoutMs } = deadlines;
  const send: SendOptions = { firstByteTimeoutMs, stallTimeoutMs, sendfile, stop };
  const pushRefusedMessage = `an agent serves pulls only; push to the origin: ${origins.join(' or ')}`;
  registerPullRoutes(app, registry, {
    ...send,
    pushRefusedMessage,
    blobSent: ({ digest }, result) => events.blobServed(digest, result),
  });
  if (tokenRelay) registerTokenRelay(app, tokenRelay);
  app.route({
    method: ['GET', 'HEAD'],
    url: '/shoal/v1/namespaces/*',
    handler: async (request, reply): Promise<FastifyReply> => {
      const { namespace, digest } = parsePath(request);
      const source = await registry.blob(namespace, digest, new RequestContext(request, reply));
      const result = await serveBlob(source, digest, request, reply, send);
      if (result) events.blobServed(digest, result);
      return reply;
    },
  });
  app.route({
    method: ['PUT', 'POST', 'PATCH', 'DELETE'],
    url: '/shoal/v1/namespaces/*',
    handler: async () => {
      throw pushRefused(pushRefusedMessage);
    },
  });
  return app;
};

/** `<namespace>/blobs/<digest>`, read from the end: namespaces contain slashes. The router has decoded it once. */
const parsePath = (request: FastifyRequest) => {
  const match = /^(.+)\/blobs\/([^/]+)$/.exec((request.params as { '*': string })['*']);
  if (!match) throw new OciError('NAME_UNKNOWN', 'path: allowed is /shoal/v1/namespaces/<namespace>/blobs/<digest>');
  return { namespace: parseRepositoryName(match[1] ?? ''), digest: parseDigest(match[2] ?? '') };
};
