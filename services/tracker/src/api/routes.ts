import {
  AnnounceRequestSchema,
  HeartbeatRequestSchema,
  LeaseRequestSchema,
  LookupRequestSchema,
} from '@shoal/protocol';
import { schemaParser } from '@shoal/service';
import type { FastifyInstance } from 'fastify';
import { Type } from '@shoal/core';
import type { ApiOptions } from './app.ts';
import type { Jobs } from '../preheat/jobs.ts';
import { RequestRate } from './request-rate.ts';

const burstSeconds = 2;
const ratedPeersMax = 100_000;

const parseAnnounce = schemaParser(AnnounceRequestSchema);
const parseHeartbeat = schemaParser(HeartbeatRequestSchema);
const parseLease = schemaParser(LeaseRequestSchema);
const parseLookup = schemaParser(LookupRequestSchema);

const pageSizeMax = 1000;
const parsePage = schemaParser(
  Type.Object({
    cursor: Type.Optional(Type.String({ pattern: '^\\d{1,20}$' })),
    limit: Type.Optional(Type.String({ pattern: '^\\d{1,4}$' })),
  }),
);

/**
 * POST /shoal/v1/announce, /shoal/v1/heartbeat, /shoal/v1/lookup, /shoal/v1/lease (schemas in @shoal/protocol) and
 * GET /shoal/v1/swarms?limit=&cursor= -> { swarms: SwarmSummary[], next?: cursor }.
 */
export const addRoutes = (app: FastifyInstance, options: ApiOptions & { readonly jobs: Jobs }): void => {
  const { tracking, store, config, clock, jobs } = options;
  const { limits } = config;
  const rate = new RequestRate({
    perSecondMax: limits.requestsPerSecondMax,
    burst: limits.requestsPerSecondMax * burstSeconds,
    peersMax: ratedPeersMax,
    clock,
  });
  app.post('/shoal/v1/announce', async ({ body }) => {
    const announce = parseAnnounce(body);
    rate.take(announce.peer.peerId);
    return tracking.announce(announce);
  });
  app.post('/shoal/v1/heartbeat', async ({ body }) => {
    const heartbeat = parseHeartbeat(body);
    rate.take(heartbeat.peer.peerId);
    const answer = await tracking.heartbeat(heartbeat);
    return { ...answer, commands: await jobs.beat(heartbeat) };
  });
  app.post('/shoal/v1/lookup', async ({ body, ip }) => {
    const lookup = parseLookup(body);
    // Behind one address there may be a thousand nodes.
    rate.take(lookup.peerId ?? ip);
    return tracking.lookup(lookup);
  });
  app.post('/shoal/v1/lease', async ({ body }) => {
    const lease = parseLease(body);
    rate.take(lease.peer.peerId);
    return tracking.lease(lease);
  });
  app.get('/shoal/v1/swarms', async ({ query }) => {
    const { cursor, limit = '100' } = parsePage(query);
    return store.page(cursor, Math.min(Math.max(1, Number(limit)), pageSizeMax));
  });
};
