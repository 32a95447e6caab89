import { ShoalError } from '@shoal/core';
import { serverTls, requireClusterAuth, serveOpenApi } from '@shoal/service';
import type { ClusterAuth, Log } from '@shoal/service';
import { fastify } from 'fastify';
import type { FastifyError, FastifyInstance } from 'fastify';
import type { TrackerConfig } from '../config.ts';
import type { TrackerEvents } from '../events.ts';
import type { PeerStore } from '../store/peer-store.ts';
import type { Tracking } from '../tracking.ts';
import type { LiveView } from '../ui/live-view.ts';
import { addHarborRoutes } from '../harbor/routes.ts';
import { Jobs } from '../preheat/jobs.ts';
import { addPreheatRoutes } from '../preheat/routes.ts';
import { addLiveRoute } from './live-route.ts';
import { addReportRoute } from './report-route.ts';
import { addRoutes } from './routes.ts';

export interface ApiOptions {
  readonly config: TrackerConfig;
  readonly tracking: Tracking;
  readonly store: PeerStore;
  /** Undefined: it is switched off, and no reports are taken. */
  readonly view: LiveView | undefined;
  readonly auth: ClusterAuth;
  readonly events: TrackerEvents;
  readonly log: Log;
  readonly clock: () => number;
}

const requestTimeoutMs = 10_000;
const keepAliveMs = 75_000;

/** The HTTP API of a tracker, not yet listening. Errors are `{"errors":[{code,message,detail}]}`, as a registry's. */
export const trackerApi = (options: ApiOptions): FastifyInstance => {
  const { config, auth, events, log, store, view, clock } = options;
  const https = serverTls('api.tls', config.api.tls);
  const app: FastifyInstance = fastify({
    bodyLimit: config.limits.bodyBytesMax,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: false,
    ...(https && { https }),
  });
  app.setErrorHandler((error: FastifyError | ShoalError, _request, reply) => {
    const status = error instanceof ShoalError ? error.status : (error.statusCode ?? 500);
    if (status >= 500 && !(error instanceof ShoalError)) log.error({ err: error }, 'request failed');
    if (status === 503 || status === 429) reply.header('retry-after', '1');
    const message =
      status >= 500 && !(error instanceof ShoalError) ? 'the tracker failed; its log says why' : error.message;
    return reply.code(status).send({
      errors: [{ code: error.code ?? 'UNKNOWN', message, ...('detail' in error && { detail: error.detail }) }],
    });
  });
  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      errors: [
        { code: 'NOT_FOUND', message: `${request.method} ${request.url.slice(0, 200)} is unknown to a tracker` },
      ],
    }),
  );
  app.addHook('onResponse', async (request, reply) => {
    events.answered(request.routeOptions.url ?? 'unknown', reply.statusCode, reply.elapsedTime / 1000);
  });
  limitRequests(app, config.limits.requestsMax, events);
  serveOpenApi(app, async () => (await import('../openapi.ts')).trackerApi());
  const jobs = new Jobs({ tables: store.tables, clock, ttlMs: config.heartbeat.ttlMs });
  void app.register(async (scope) => {
    requireClusterAuth(scope, auth);
    addRoutes(scope, { ...options, jobs });
    addPreheatRoutes(scope, jobs);
    addLiveRoute(scope, view);
    if (view) addReportRoute(scope, view, config.limits.peersMax, clock);
  });
  void app.register(async (scope) => addHarborRoutes(scope, jobs, config.harbor));
  return app;
};

/** Refuses what is beyond the bound before its body is read. */
const limitRequests = (app: FastifyInstance, requestsMax: number, events: TrackerEvents): void => {
  let running = 0;
  const change = (by: number): void => {
    running += by;
    events.underWay(running);
  };
  app.addHook('onRequest', async (_request, reply) => {
    change(1);
    reply.raw.once('close', () => change(-1));
    if (running > requestsMax)
      throw new ShoalError('OVERLOADED', 503, `more than ${requestsMax} requests are under way (limits.requestsMax)`);
  });
};
