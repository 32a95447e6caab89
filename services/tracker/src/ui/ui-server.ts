import { ShoalError, Type } from '@shoal/core';
import { type Log, schemaParser } from '@shoal/service';
import { fastify, type FastifyError, type FastifyInstance } from 'fastify';
import type { TrackerConfig } from '../config.ts';
import { guardAccess, securityHeaders } from './access.ts';
import { loadAssets } from './assets.ts';
import type { LiveView } from './live-view.ts';

const requestTimeoutMs = 10_000;
/** Streams hold one each. */
const connectionsSpare = 64;

const text = (lengthMax: number) => Type.Optional(Type.String({ maxLength: lengthMax }));
const parseEvents = schemaParser(Type.Object({ swarm: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })) }));
const parseSearch = schemaParser(Type.Object({ q: text(200) }));
const parseId = schemaParser(Type.Object({ id: Type.String({ pattern: '^[0-9a-z-]{1,64}$' }) }));

/**
 * The page and what it asks for, not yet listening: GET /ui/, /ui/api/swarms, /ui/api/swarms/<id>, /ui/api/search?q=,
 * /ui/api/recordings, /ui/api/recordings/<id>, and /ui/api/events?swarm= as Server-Sent Events (shapes in views.ts).
 * Read-only.
 */
export const uiServer = (view: LiveView, ui: TrackerConfig['ui'], log: Log): FastifyInstance => {
  const app: FastifyInstance = fastify({
    bodyLimit: 1024,
    requestTimeout: requestTimeoutMs,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
  });
  app.server.maxConnections = ui.viewersMax + connectionsSpare;
  guardAccess(app, ui.password);
  app.setErrorHandler((error: FastifyError | ShoalError, _request, reply) => {
    const status = error instanceof ShoalError ? error.status : (error.statusCode ?? 500);
    if (status >= 500 && !(error instanceof ShoalError)) log.error({ err: error }, 'the live view failed');
    const message = status >= 500 && !(error instanceof ShoalError) ? 'the tracker failed' : error.message;
    return reply.code(status).send({ errors: [{ code: error.code ?? 'UNKNOWN', message }] });
  });
  addPage(app);
  addApi(app, view);
  return app;
};

const addPage = (app: FastifyInstance): void => {
  const assets = loadAssets();
  for (const path of ['/', '/ui']) app.get(path, (_request, reply) => reply.redirect('/ui/'));
  app.get('/ui/*', ({ params }, reply) => {
    const { '*': name } = params as { '*': string };
    const asset = assets.get(name === '' ? 'index.html' : name);
    return asset ? reply.type(asset.contentType).send(asset.body) : missing(`/ui/${name.slice(0, 100)}`);
  });
};

const addApi = (app: FastifyInstance, view: LiveView): void => {
  const { swarms, recorder, viewers } = view;
  app.get('/ui/api/swarms', () => view.overview());
  app.get('/ui/api/swarms/:id', ({ params }) => {
    const { id } = parseId(params);
    return swarms.get(id)?.frame(0, view.overview().nowMs) ?? missing(`swarm ${id}`);
  });
  app.get('/ui/api/search', ({ query }) => swarms.find(parseSearch(query).q ?? ''));
  app.get('/ui/api/recordings', () => recorder.list());
  app.get('/ui/api/recordings/:id', ({ params }) => {
    const { id } = parseId(params);
    return recorder.get(id) ?? missing(`recording ${id}`);
  });
  app.get('/ui/api/events', (request, reply) => {
    const { swarm = '' } = parseEvents(request.query);
    if (viewers.full) throw new ShoalError('OVERLOADED', 503, 'as many watch as may (ui.viewersMax)');
    reply.hijack();
    reply.raw.writeHead(200, { ...securityHeaders, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' });
    viewers.add(reply.raw, swarm);
  });
};

const missing = (what: string): never => {
  throw new ShoalError('NOT_FOUND', 404, `${what} is unknown to this tracker`);
};
