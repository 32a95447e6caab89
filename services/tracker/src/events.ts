import type { PeerId } from '@shoal/core';
import type { AnnounceEvent } from '@shoal/protocol';
import type { Log } from '@shoal/service';
import type { TrackerMetrics } from './metrics.ts';

/** What happens in a tracker: each method feeds the metric and, where a person would want to know, the log. */
export interface TrackerEvents {
  announced(event: AnnounceEvent): void;
  /** Peers named in one answer. */
  handedOut(peers: number): void;
  /** Memberships that a limit kept out of the store. */
  refused(peerId: PeerId, memberships: number): void;
  /** Requests being answered now. */
  underWay(requests: number): void;
  answered(route: string, status: number, seconds: number): void;
  storeConnected(): void;
  storeLost(reason: string): void;
}

export const trackerEvents = ({ made }: TrackerMetrics, log: Log): TrackerEvents => {
  return {
    announced: (event) => made.announces.inc({ event }),
    handedOut: (peers) => made.handedOut.inc(peers),
    refused: (peerId, memberships) => {
      made.refusals.inc(memberships);
      log.warn({ peerId, memberships }, 'memberships not kept, a limit is reached');
    },
    underWay: (requests) => made.requestsActive.set(requests),
    answered: (route, status, seconds) => {
      made.requests.inc({ route, status: String(status) });
      made.requestSeconds.observe({ route }, seconds);
    },
    storeConnected: () => log.info({}, 'redis connected'),
    storeLost: (reason) => log.warn({ reason }, 'redis not reachable, announces are answered with 503'),
  };
};
