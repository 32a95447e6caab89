import { ShoalError } from '@shoal/core';
import { schemaParser } from '@shoal/service';
import type { FastifyInstance } from 'fastify';
import type { Jobs } from './jobs.ts';
import { PreheatSchema } from './schema.ts';

const parsePreheat = schemaParser(PreheatSchema);

/** POST /shoal/v1/preheats {id?, image, nodes?} -> JobState, GET /shoal/v1/preheats[/<id>], GET /shoal/v1/nodes. */
export const addPreheatRoutes = (app: FastifyInstance, jobs: Jobs): void => {
  app.post('/shoal/v1/preheats', async ({ body }, reply) =>
    reply.code(202).send(await jobs.create(parsePreheat(body))),
  );
  app.get('/shoal/v1/preheats', async () => ({ preheats: await jobs.list() }));
  app.get('/shoal/v1/preheats/:id', async ({ params }) => {
    const { id } = params as { id: string };
    const state = await jobs.state(id);
    if (!state)
      throw new ShoalError(
        'JOB_UNKNOWN',
        404,
        `id: there is no job ${JSON.stringify(id.slice(0, 128))}, or it was made more than an hour ago`,
      );
    return state;
  });
  app.get('/shoal/v1/nodes', async () => ({ nodes: await jobs.nodes() }));
};
