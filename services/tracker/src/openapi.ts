import { Type } from '@shoal/core';
import {
  AnnounceRequestSchema,
  AnnounceResponseSchema,
  DigestSchema,
  HeartbeatRequestSchema,
  HeartbeatResponseSchema,
  LeaseRequestSchema,
  LeaseResponseSchema,
  LookupRequestSchema,
  LookupResponseSchema,
  ReportResponseSchema,
  ReportSchema,
  SwarmIdSchema,
} from '@shoal/protocol';
import { harborPaths } from './harbor/openapi.ts';
import { preheatPaths } from './preheat/openapi.ts';
import { uiPaths } from './ui/openapi.ts';
import { adminPaths, openApiDocument, openApiPath, type Paths, version } from '@shoal/service';

const common = { tag: 'swarms', security: ['cluster'] };
const count = Type.Integer({ minimum: 0 });

const swarmPage = Type.Object({
  swarms: Type.Array(
    Type.Object({
      swarm: SwarmIdSchema,
      digest: Type.Optional(DigestSchema),
      agents: count,
      origins: count,
      complete: count,
    }),
  ),
  next: Type.Optional(Type.String({ description: 'The cursor of the next page.' })),
});

const paths: Paths = {
  '/shoal/v1/announce': {
    post: {
      ...common,
      summary: 'Tell of the swarms a peer is in, and hear of others in them',
      body: { schema: AnnounceRequestSchema },
      answers: { 200: { description: 'Peers, for the swarms that want some.', schema: AnnounceResponseSchema } },
    },
  },
  '/shoal/v1/heartbeat': {
    post: {
      ...common,
      summary: 'Tell that a peer lives',
      body: { schema: HeartbeatRequestSchema },
      answers: { 200: { description: 'Whether the tracker knows the peer.', schema: HeartbeatResponseSchema } },
    },
  },
  '/shoal/v1/lookup': {
    post: {
      ...common,
      summary: 'Peers of a digest or a swarm, without joining',
      body: { schema: LookupRequestSchema },
      answers: { 200: { description: 'The swarms, each with peers.', schema: LookupResponseSchema } },
    },
  },
  '/shoal/v1/lease': {
    post: {
      ...common,
      summary: 'Be the one peer that fetches a digest elsewhere, or hear who is',
      body: { schema: LeaseRequestSchema },
      answers: { 200: { description: 'Who holds the lease now.', schema: LeaseResponseSchema } },
    },
  },
  '/shoal/v1/report': {
    post: {
      ...common,
      summary: 'Tell the live view what a node does now',
      description: 'As often as `reportMs` of the answer before says; without it not at all. It changes no membership.',
      body: { schema: ReportSchema },
      answers: { 200: { description: 'How often to report.', schema: ReportResponseSchema } },
    },
  },
  '/shoal/v1/swarms': {
    get: {
      ...common,
      summary: 'All swarms, page by page',
      query: { limit: 'About how many; 100 without it, 1000 at most.', cursor: '`next` of the page before.' },
      answers: { 200: { description: 'A page.', schema: swarmPage } },
    },
  },
  '/shoal/v1/live': {
    get: {
      ...common,
      summary: 'What the live view knows: totals, the busiest swarms and the busiest nodes',
      description: 'Where the live view is on.',
      answers: {
        200: {
          description: 'Overview and NodeRow of services/tracker/src/ui/views.ts.',
          schema: Type.Object({
            overview: Type.Object({}, { additionalProperties: true }),
            nodes: Type.Array(Type.Object({}, { additionalProperties: true })),
          }),
        },
      },
    },
  },
};

/** The OpenAPI document of a tracker. */
export const trackerApi = (): object =>
  openApiDocument({
    title: 'Shoal tracker',
    description:
      'Who is in which swarm. Agents and origins call it; every request is signed where the cluster has a secret.',
    version,
    paths: { ...paths, ...preheatPaths, ...harborPaths, ...uiPaths, ...openApiPath, ...adminPaths },
  });
