import { Type } from '@shoal/core';
import { CommandIdSchema } from '@shoal/protocol';
import type { Paths } from '@shoal/service';
import { PreheatSchema } from './schema.ts';

const common = { tag: 'preheating', security: ['cluster'] };
const count = Type.Integer({ minimum: 0 });
const states = ['waiting', 'running', 'done', 'failed', 'lost'] as const;

const job = {
  id: CommandIdSchema,
  image: Type.String(),
  nodes: Type.String({ description: 'The selector as it was given.' }),
  createdMs: Type.Number({ description: 'Milliseconds since the epoch.' }),
};

const jobState = Type.Object({
  ...job,
  state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
  counts: Type.Object(Object.fromEntries(states.map((state) => [state, count]))),
  failures: Type.Array(
    Type.Object({
      peerId: Type.String(),
      name: Type.String(),
      state: Type.String(),
      detail: Type.Optional(Type.String()),
      bytes: Type.Optional(count),
    }),
    { description: 'Nodes that have failed or are gone, at most 100.' },
  ),
});

const node = Type.Object({
  peerId: Type.String(),
  name: Type.String(),
  zone: Type.String(),
  labels: Type.Array(Type.String({ description: '`key=value`' })),
  seenMs: Type.Number({ description: 'Milliseconds since the epoch.' }),
});

export const preheatPaths: Paths = {
  '/shoal/v1/preheats': {
    post: {
      ...common,
      summary: 'Have nodes fetch an image',
      description:
        'The same id with the same image and nodes is the same job. Nodes hear of it in answers to their heartbeats.',
      body: { schema: PreheatSchema },
      answers: { 202: { description: 'The job.', schema: jobState } },
    },
    get: {
      ...common,
      summary: 'The jobs of the last hour, the newest first',
      answers: { 200: { description: 'Jobs.', schema: Type.Object({ preheats: Type.Array(Type.Object(job)) }) } },
    },
  },
  '/shoal/v1/preheats/{id}': {
    get: { ...common, summary: 'How far a job is', answers: { 200: { description: 'The job.', schema: jobState } } },
  },
  '/shoal/v1/nodes': {
    get: {
      ...common,
      summary: 'The nodes that can be asked, by name',
      answers: { 200: { description: 'Live nodes.', schema: Type.Object({ nodes: Type.Array(node) }) } },
    },
  },
};
