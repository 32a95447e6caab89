import { type Digest, ShoalError } from '@shoal/core';
import { schemaParser } from '@shoal/service';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Jobs, JobState, Work } from './jobs.ts';
import { PreheatSchema, PurgeSchema } from './schema.ts';

const parsePreheat = schemaParser(PreheatSchema);
const parsePurge = schemaParser(PurgeSchema);

/**
 * POST /shoal/v1/preheats {id?, image, nodes?} and /shoal/v1/purges {id?, digests, nodes?} -> JobState, GET of both [/<id>],
 * GET /shoal/v1/nodes.
 */
export const addPreheatRoutes = (app: FastifyInstance, jobs: Jobs): void => {
  app.post('/shoal/v1/preheats', async ({ body }, reply) => {
    const { image, ...how } = parsePreheat(body);
    return reply.code(202).send(await jobs.create({ kind: 'preheat', image }, how));
  });
  app.post('/shoal/v1/purges', async ({ body }, reply) => {
    const { digests, ...how } = parsePurge(body);
    return reply.code(202).send(await jobs.create({ kind: 'purge', digests: digests as Digest[] }, how));
  });
  app.get('/shoal/v1/preheats', async () => ({ preheats: await jobs.list('preheat') }));
  app.get('/shoal/v1/purges', async () => ({ purges: await jobs.list('purge') }));
  app.get('/shoal/v1/preheats/:id', (request) => stateOf(jobs, 'preheat', request));
  app.get('/shoal/v1/purges/:id', (request) => stateOf(jobs, 'purge', request));
  app.get('/shoal/v1/nodes', async () => ({ nodes: await jobs.nodes() }));
};

const stateOf = async (jobs: Jobs, kind: Work['kind'], { params }: FastifyRequest): Promise<JobState> => {
  const { id } = params as { id: string };
  const state = await jobs.state(id);
  if (state?.kind === kind) return state;
  throw new ShoalError(
    'JOB_UNKNOWN',
    404,
    `id: there is no ${kind} ${JSON.stringify(id.slice(0, 128))}, or it was made more than an hour ago`,
  );
};
