import { ShoalError } from '@shoal/core';
import type { FastifyInstance } from 'fastify';
import type { TrackerConfig } from '../config.ts';
import type { Jobs } from '../preheat/jobs.ts';
import { hasPassword } from '../ui/access.ts';
import { dragonflyJob, HarborJobs } from './harbor-jobs.ts';
import { imageOfJob, pushesIn, pushesInWebhook, type Wanted } from './wanted.ts';

/**
 * What Harbor asks of a P2P engine, below /harbor: as of Kraken `GET /health`, `POST /registry/notifications`; as of Dragonfly
 * `GET /healthy`, `POST /oapi/v1/jobs`, `GET /oapi/v1/jobs/<id>`; and `POST /webhook` for the webhook of a project.
 */
export const addHarborRoutes = (app: FastifyInstance, jobs: Jobs, o: TrackerConfig['harbor']): void => {
  const { password, registry } = o;
  if (password === undefined) return;
  const harbor = new HarborJobs(jobs, o.nodes);
  app.addHook('onRequest', async ({ headers }, reply) => {
    if (hasPassword(headers.authorization, password)) return;
    reply.header('www-authenticate', 'Basic realm="Shoal", charset="UTF-8"');
    throw new ShoalError('UNAUTHORIZED', 401, 'the password of Harbor (harbor.password) is needed');
  });
  for (const path of ['/harbor/health', '/harbor/healthy']) app.get(path, async () => ({ healthy: true }));
  const preheatAll = async (wanted: readonly Wanted[]): Promise<object> => {
    const ids: string[] = [];
    for (const one of wanted) ids.push((await harbor.preheat(one)).id);
    return { preheats: ids };
  };
  app.post('/harbor/registry/notifications', ({ body }) => preheatAll(pushesIn(body, registry)));
  app.post('/harbor/webhook', ({ body }) => preheatAll(pushesInWebhook(body, registry)));
  app.post('/harbor/oapi/v1/jobs', async ({ body }) => dragonflyJob(await harbor.preheat(imageOfJob(body, registry))));
  app.get('/harbor/oapi/v1/jobs/:id', async ({ params }) => {
    const { id } = params as { id: string };
    const state = await harbor.state(id);
    if (state) return dragonflyJob(state);
    throw new ShoalError(
      'JOB_UNKNOWN',
      404,
      `id: there is no job ${JSON.stringify(id.slice(0, 64))}, or it is older than an hour`,
    );
  });
  // Registries send notifications with a media type of their own.
  app.addContentTypeParser(/^application\/.*json/, { parseAs: 'string' }, app.getDefaultJsonParser('error', 'error'));
};
