import type { PeerId } from '@shoal/core';
import type { AnnounceEvent } from '@shoal/protocol';
import { type Log, type Metrics, secondsBuckets } from '@shoal/service';

/** What happens in a tracker: each method feeds the metric and, where a person would want to know, the log. */
export interface TrackerEvents {
  announced(event: AnnounceEvent): void;
  /** Memberships that a limit kept out of the store. */
  refused(peerId: PeerId, memberships: number): void;
  answered(route: string, status: number, seconds: number): void;
  storeConnected(): void;
  storeLost(reason: string): void;
}

export const trackerEvents = (metrics: Metrics, log: Log): TrackerEvents => {
  const announces = metrics.counter('announces_total', { help: 'Swarms announced, by event.', labels: ['event'] });
  const refusals = metrics.counter('memberships_refused_total', {
    help: 'Memberships that were not kept because a limit was reached.',
  });
  const answers = metrics.counter('requests_total', {
    help: 'Requests answered, by route and status.',
    labels: ['route', 'status'],
  });
  const durations = metrics.histogram('request_seconds', {
    help: 'From the headers of a request to the end of its answer.',
    labels: ['route'],
    buckets: secondsBuckets,
  });
  for (const event of ['join', 'progress', 'complete', 'leave', 'starved'] as const) announces.inc({ event }, 0);
  return {
    announced: (event) => announces.inc({ event }),
    refused: (peerId, memberships) => {
      refusals.inc(memberships);
      log.warn({ peerId, memberships }, 'memberships not kept, a limit is reached');
    },
    answered: (route, status, seconds) => {
      answers.inc({ route, status: String(status) });
      durations.observe({ route }, seconds);
    },
    storeConnected: () => log.info({}, 'redis connected'),
    storeLost: (reason) => log.warn({ reason }, 'redis not reachable, announces are answered with 503'),
  };
};
