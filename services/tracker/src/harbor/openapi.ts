import { Type } from '@shoal/core';
import type { Paths } from '@shoal/service';

const common = { tag: 'Harbor', security: ['basic', 'bearer'] };
const any = Type.Object({}, { additionalProperties: true });
const healthy = { 200: { description: 'It is.', schema: Type.Object({ healthy: Type.Literal(true) }) } };
const begun = {
  200: { description: 'Ids of preheatings.', schema: Type.Object({ preheats: Type.Array(Type.String()) }) },
};
const job = {
  200: {
    description: 'The job.',
    schema: Type.Object({
      id: Type.Integer(),
      created_at: Type.String({ format: 'date-time' }),
      updated_at: Type.String({ format: 'date-time' }),
      state: Type.Union([Type.Literal('PENDING'), Type.Literal('SUCCESS'), Type.Literal('FAILURE')]),
      result: Type.Object({ job_states: Type.Array(Type.Object({ error: Type.String(), results: Type.Array(any) })) }),
    }),
  },
};

/** What Harbor asks of a P2P engine; there where `harbor.password` is set. */
export const harborPaths: Paths = {
  '/harbor/health': { get: { ...common, summary: 'Whether Kraken is healthy', answers: healthy } },
  '/harbor/healthy': { get: { ...common, summary: 'Whether Dragonfly is healthy', answers: healthy } },
  '/harbor/registry/notifications': {
    post: {
      ...common,
      summary: 'Notification of a registry, as for Kraken: pushed images are fetched',
      body: { schema: any },
      answers: begun,
    },
  },
  '/harbor/webhook': {
    post: {
      ...common,
      summary: 'Webhook of a project: PUSH_ARTIFACT is heeded',
      body: { schema: any },
      answers: begun,
    },
  },
  '/harbor/oapi/v1/jobs': {
    post: {
      ...common,
      summary: 'Have nodes fetch an image, as of Dragonfly',
      body: { schema: Type.Object({ type: Type.Literal('preheat'), args: Type.Object({ url: Type.String() }) }) },
      answers: job,
    },
  },
  '/harbor/oapi/v1/jobs/{id}': { get: { ...common, summary: 'How far a job is', answers: job } },
};
