import { Type } from '@shoal/core';
import type { Paths } from './document.ts';

const tag = 'health';
const onItsPort = 'On the port of the section `admin` of the configuration.';

const readiness = Type.Object({
  service: Type.String(),
  ready: Type.Boolean(),
  checks: Type.Record(Type.String(), Type.String({ description: '`ok`, or what is missing.' })),
  notes: Type.Record(Type.String(), Type.String({ description: 'What the process works on without.' })),
});

/** What every process serves to scrapers and probes, on a port of its own. */
export const adminPaths: Paths = {
  '/metrics': {
    get: {
      tag,
      summary: 'Metrics in the text format of Prometheus',
      description: onItsPort,
      answers: { 200: { description: 'See docs/METRICS.md.', type: 'text/plain' } },
    },
  },
  '/livez': {
    get: {
      tag,
      summary: 'Whether the process runs',
      description: onItsPort,
      answers: {
        200: { description: 'It runs.', schema: Type.Object({ live: Type.Literal(true), service: Type.String() }) },
      },
    },
  },
  '/readyz': {
    get: {
      tag,
      summary: 'Whether the process can do its work',
      description: onItsPort,
      answers: {
        200: { description: 'It can.', schema: readiness },
        503: { description: 'It cannot; the checks say why.', schema: readiness },
      },
    },
  },
};

/** The document itself. */
export const openApiPath: Paths = {
  '/openapi.json': {
    get: {
      tag: 'about',
      summary: 'This document',
      answers: { 200: { description: 'An OpenAPI 3.1 document.', type: 'application/json' } },
    },
  },
};
