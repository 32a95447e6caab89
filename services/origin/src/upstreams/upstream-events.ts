import { type AskedFor, type RateLimit, type UpstreamError, upstreamFailures } from '@shoal/registry';
import type { Log } from '@shoal/service';
import type { OriginMetrics } from '../metrics.ts';

/** What happens between the origin and upstream registries, as metrics and lines of the log. `upstream` is a configured host, or `other`. */
export class UpstreamEvents {
  readonly #log: Log;
  readonly #m: OriginMetrics['made'];
  /** Upstreams that do not answer at present: an outage is one line, not one a request. */
  readonly #down = new Set<string>();

  constructor(metrics: OriginMetrics, log: Log) {
    this.#log = log;
    this.#m = metrics.made;
  }

  /** An upstream that may be asked from now on: its series start at zero. */
  known(upstream: string): void {
    this.#m.upstreamReceived.inc({ upstream }, 0);
    this.#m.upstreamStale.inc({ upstream }, 0);
    for (const reason of upstreamFailures) this.#m.upstreamFailures.inc({ upstream, reason }, 0);
  }

  answered(upstream: string, method: string, kind: AskedFor, status: number): void {
    this.#m.upstreamRequests.inc({ upstream, method, kind, status: String(status) });
    // A challenge, or storage that refuses, is no sign that it delivers.
    const well = status < 400 || status === 404;
    if (well && this.#down.delete(upstream)) this.#log.info({ upstream }, 'the upstream answers again');
  }

  received(upstream: string, bytes: number): void {
    this.#m.upstreamReceived.inc({ upstream }, bytes);
  }

  rateLimit(upstream: string, { limit, remaining }: RateLimit): void {
    if (limit !== undefined) this.#m.upstreamLimit.set({ upstream }, limit);
    if (remaining !== undefined) this.#m.upstreamRemaining.set({ upstream }, remaining);
  }

  failed(upstream: string, { failure, message, passing }: UpstreamError): void {
    this.#m.upstreamFailures.inc({ upstream, reason: failure });
    if (!passing) this.#log.debug({ upstream, reason: message }, 'the upstream does not give this');
    else if (!this.#down.has(upstream)) {
      this.#down.add(upstream);
      this.#log.warn({ upstream, reason: message }, 'the upstream does not deliver');
    }
  }

  servedStale(upstream: string, repository: string, tag: string): void {
    this.#m.upstreamStale.inc({ upstream });
    this.#log.debug({ upstream, repository, tag }, 'tag answered without the upstream');
  }

  referrersStale(upstream: string, repository: string, subject: string): void {
    this.#m.upstreamStale.inc({ upstream });
    this.#log.debug({ upstream, repository, subject }, 'referrers answered without the upstream');
  }

  manifestFetched(upstream: string, repository: string, digest: string): void {
    this.#log.info({ upstream, repository, digest }, 'manifest fetched');
  }
}
