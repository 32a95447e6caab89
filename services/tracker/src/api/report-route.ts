import { ReportSchema } from '@shoal/protocol';
import { schemaParser } from '@shoal/service';
import type { FastifyInstance } from 'fastify';
import type { LiveView } from '../ui/live-view.ts';
import { RequestRate } from './request-rate.ts';

const parseReport = schemaParser(ReportSchema);

/** Of one node; the tracker asks for one a second at most. */
const reportsPerSecondMax = 5;

/** POST /shoal/v1/report (ReportSchema in @shoal/protocol) -> { reportMs }. */
export const addReportRoute = (app: FastifyInstance, view: LiveView, peersMax: number, clock: () => number): void => {
  const rate = new RequestRate({ perSecondMax: reportsPerSecondMax, burst: 2 * reportsPerSecondMax, peersMax, clock });
  app.post('/shoal/v1/report', async ({ body }) => {
    const report = parseReport(body);
    rate.take(report.peer.peerId);
    view.reported(report);
    return { reportMs: view.reportMs };
  });
};
