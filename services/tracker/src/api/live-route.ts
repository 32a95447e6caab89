import { ShoalError } from '@shoal/core';
import type { FastifyInstance } from 'fastify';
import type { LiveView } from '../ui/live-view.ts';

/** GET /shoal/v1/live -> { overview, nodes } of the live view (views.ts), for programs that hold the cluster secret. */
export const addLiveRoute = (app: FastifyInstance, view: LiveView | undefined): void => {
  app.get('/shoal/v1/live', async () => {
    if (!view) throw new ShoalError('NOT_FOUND', 404, 'the live view of this tracker is switched off (ui.enabled)');
    return { overview: view.overview(), nodes: view.nodes() };
  });
};
