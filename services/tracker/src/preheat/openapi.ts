import { type TSchema, Type } from '@shoal/core';
import { CommandIdSchema } from '@shoal/protocol';
import type { Paths } from '@shoal/service';
import { PreheatSchema, PurgeSchema } from './schema.ts';

const common = { tag: 'jobs', security: ['cluster'] };
const count = Type.Integer({ minimum: 0 });
const states = ['waiting', 'running', 'done', 'failed', 'lost'] as const;

const ofAll = {
  id: CommandIdSchema,
  kind: Type.String(),
  nodes: Type.String({ description: 'The selector as it was given.' }),
  createdMs: Type.Number({ description: 'Milliseconds since the epoch.' }),
};

const works = { preheat: { image: Type.String() }, purge: { digests: Type.Array(Type.String()) } };

const nodeState = Type.Object({
  peerId: Type.String(),
  name: Type.String(),
  state: Type.String(),
  detail: Type.Optional(Type.String()),
  bytes: Type.Optional(count),
});

const jobState = (kind: keyof typeof works) =>
  Type.Object({
    ...ofAll,
    ...works[kind],
    state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
    counts: Type.Object(Object.fromEntries(states.map((state) => [state, count]))),
    failures: Type.Array(nodeState, { description: 'Nodes that have failed or are gone, at most 100.' }),
    remarks: Type.Array(nodeState, { description: 'Nodes that are done but left something out, at most 100.' }),
  });

const node = Type.Object({
  peerId: Type.String(),
  name: Type.String(),
  zone: Type.String(),
  labels: Type.Array(Type.String({ description: '`key=value`' })),
  seenMs: Type.Number({ description: 'Milliseconds since the epoch.' }),
});

const jobPaths = (kind: keyof typeof works, summary: string, schema: TSchema): Paths => ({
  [`/shoal/v1/${kind}s`]: {
    post: {
      ...common,
      summary,
      description:
        'The same id with the same work and nodes is the same job. Nodes hear of it in answers to their heartbeats.',
      body: { schema },
      answers: { 202: { description: 'The job.', schema: jobState(kind) } },
    },
    get: {
      ...common,
      summary: 'The jobs of the last hour, the newest first',
      answers: {
        200: {
          description: 'Jobs.',
          schema: Type.Object({ [`${kind}s`]: Type.Array(Type.Object({ ...ofAll, ...works[kind] })) }),
        },
      },
    },
  },
  [`/shoal/v1/${kind}s/{id}`]: {
    get: {
      ...common,
      summary: 'How far a job is',
      answers: { 200: { description: 'The job.', schema: jobState(kind) } },
    },
  },
});

export const preheatPaths: Paths = {
  ...jobPaths('preheat', 'Have nodes fetch an image', PreheatSchema),
  ...jobPaths('purge', 'Have nodes drop blobs from their caches', PurgeSchema),
  '/shoal/v1/nodes': {
    get: {
      ...common,
      summary: 'The nodes that can be asked, by name',
      answers: { 200: { description: 'Live nodes.', schema: Type.Object({ nodes: Type.Array(node) }) } },
    },
  },
};
