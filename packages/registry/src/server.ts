import type { ServerOptions } from 'node:https';
import Fastify, { type FastifyInstance } from 'fastify';
import { OciError, ShoalError } from '@shoal/core';
import { type ClientErrorLog, ClientErrors } from './client-errors.ts';
import { type ErrorLog, sendOciError } from './errors.ts';

export interface RegistryServerOptions {
  readonly log: ErrorLog & ClientErrorLog;
  /** Serves HTTPS when given. */
  readonly tls?: ServerOptions | undefined;
  /** All request headers together, in bytes; more is answered with 431. */
  readonly headerBytesMax?: number;
  /** How long a client may take for the headers of a request; after it the answer is 408. */
  readonly headersTimeoutMs?: number;
  /** How long an idle kept-alive connection stays open. */
  readonly keepAliveTimeoutMs?: number;
}

/** How late a header timeout may be noticed. */
const checkIntervalMsMax = 30_000;

/** No route has a schema, and the compilers that fastify loads for them are a megabyte. */
const noSchemas = (): never => {
  throw new TypeError('routes of a registry have no schemas');
};

/**
 * A fastify server as registries need it: OCI error bodies for everything (also for malformed URLs and unknown
 * paths), request bodies left unread for the handlers to stream, no limit on the time of a whole request (an upload
 * may take hours; bodies have idle deadlines), no compression.
 */
export const createRegistryServer = (options: RegistryServerOptions): FastifyInstance => {
  const { log, tls, headerBytesMax = 64 * 1024, headersTimeoutMs = 60_000, keepAliveTimeoutMs = 75_000 } = options;
  const clientErrors = new ClientErrors(log);
  const http = {
    maxHeaderSize: headerBytesMax,
    headersTimeout: headersTimeoutMs,
    connectionsCheckingInterval: Math.min(headersTimeoutMs / 2, checkIntervalMsMax),
    requireHostHeader: false,
  };
  const app = Fastify({
    ...(tls ? { https: { ...tls, ...http } } : { http }),
    clientErrorHandler: clientErrors.handle,
    exposeHeadRoutes: false,
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: 0,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 16_384 },
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    frameworkErrors: (error, request, reply) => void sendOciError(error, request, reply, log),
  }) as unknown as FastifyInstance;
  clientErrors.install(app);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, body, done) => done(null, body));
  app.setErrorHandler((error, request, reply) => sendOciError(error, request, reply, log));
  app.setNotFoundHandler((request, reply) =>
    sendOciError(new OciError('NAME_UNKNOWN', 'path: no such endpoint'), request, reply, log),
  );
  return app;
};

/**
 * Stops accepting, waits up to `graceMs` for running requests, then ends the bodies that still run (`endBodies`
 * is the controller behind SendOptions.stop: they end with FIN) and closes what is left.
 */
export const closeRegistryServer = async (
  app: FastifyInstance,
  graceMs: number,
  endBodies: AbortController,
): Promise<void> => {
  const end = setTimeout(() => endBodies.abort(new ShoalError('STOPPING', 503, 'the process stops')), graceMs);
  const force = setTimeout(() => app.server.closeAllConnections(), graceMs + finMs);
  try {
    await app.close();
  } finally {
    clearTimeout(end);
    clearTimeout(force);
  }
};

/** How long ended bodies may take to reach their clients. */
const finMs = 2_000;
