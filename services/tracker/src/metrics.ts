import { counter, defineMetrics, gauge, histogram, type Metrics, secondsBuckets } from '@shoal/service';

/** What a tracker counts; docs/METRICS.md is made of it. */
export const trackerMetrics = defineMetrics('tracker', {
  announces: counter('announces_total', 'Swarms announced, by event.', {
    event: ['join', 'progress', 'complete', 'leave', 'starved'],
  }),
  handedOut: counter('peers_handed_out_total', 'Peers named in answers to announces and lookups.'),
  refusals: counter('memberships_refused_total', 'Memberships that were not kept because a limit was reached.'),
  peers: gauge('peers', 'Peers that live. Trackers over one Redis each tell the number of all.'),
  swarms: gauge('swarms', 'Swarms with members. Trackers over one Redis each tell the number of all.'),
  storeReachable: gauge('store_reachable', 'Whether the store of peers answers: 1 or 0. In memory it always does.'),
  requests: counter('requests_total', 'Requests answered, by route and status.', {
    route: 'path of the API, or `unknown`',
    status: 'HTTP status',
  }),
  requestsActive: gauge('requests_active', 'Requests being answered.'),
  requestSeconds: histogram(
    'request_seconds',
    'From the headers of a request to the end of its answer.',
    secondsBuckets,
    { route: 'path of the API, or `unknown`' },
  ),
});

export type TrackerMetrics = Metrics<typeof trackerMetrics.metrics>;
