import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { pushRefused } from './errors.ts';
import { parseRegistryRoute, type RegistryRoute, type RouteKind } from './routes.ts';

export type RegistryMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export type RouteOf<Kind extends RouteKind> = Extract<RegistryRoute, { kind: Kind }>;

export type RouteHandler<Kind extends RouteKind> = (
  route: RouteOf<Kind>,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<unknown>;

/** What a registry does, keyed by method and kind of path: `'GET blob'`, `'POST uploads'`. */
export type RegistryHandlers = {
  readonly [Key in `${RegistryMethod} ${RouteKind}`]?: Key extends `${string} ${infer Kind extends RouteKind}`
    ? RouteHandler<Kind>
    : never;
};

export interface DispatchOptions {
  /** The message of 405 UNSUPPORTED for what has no handler. */
  readonly unsupportedMessage: string;
}

const methods: RegistryMethod[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

/**
 * Serves `/v2/` by a table of handlers. One wildcard route for all: repository names contain slashes. A malformed
 * path is answered with its own error even where the method has no handler.
 */
export const registerRegistryRoutes = (
  app: FastifyInstance,
  handlers: RegistryHandlers,
  options: DispatchOptions,
): void => {
  const handler = async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    void reply.header('docker-distribution-api-version', 'registry/2.0');
    const route = parseRegistryRoute(request.raw.url ?? '');
    const handle = handlers[`${request.method as RegistryMethod} ${route.kind}`] as RouteHandler<RouteKind> | undefined;
    if (!handle) {
      void reply.header('allow', methods.filter((method) => handlers[`${method} ${route.kind}`]).join(', '));
      throw pushRefused(options.unsupportedMessage);
    }
    await handle(route, request, reply);
    return reply;
  };
  for (const url of ['/v2', '/v2/*']) app.route({ method: methods, url, handler, exposeHeadRoute: false });
};
