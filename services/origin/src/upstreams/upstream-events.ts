import type { AskedFor, RateLimit, UpstreamError } from '@shoal/registry';
import type { Log, Metrics } from '@shoal/service';

/** What happens between the origin and upstream registries, as metrics and lines of the log. `upstream` is a configured host, or `other`. */
export class UpstreamEvents {
  readonly #log: Log;
  readonly #requests;
  readonly #received;
  readonly #failures;
  readonly #stale;
  readonly #limit;
  readonly #remaining;
  /** Upstreams that do not answer at present: an outage is one line, not one a request. */
  readonly #down = new Set<string>();

  constructor(metrics: Metrics, log: Log) {
    this.#log = log;
    this.#requests = metrics.counter('upstream_requests_total', {
      help: 'Requests to upstream registries that were answered.',
      labels: ['upstream', 'method', 'kind', 'status'],
    });
    this.#received = metrics.counter('upstream_received_bytes_total', {
      help: 'Bytes of manifests and blobs received from upstream registries.',
      labels: ['upstream'],
    });
    this.#failures = metrics.counter('upstream_failures_total', {
      help: 'Questions that an upstream registry did not answer as wanted, by reason.',
      labels: ['upstream', 'reason'],
    });
    this.#stale = metrics.counter('upstream_stale_total', {
      help: 'Tags answered from what is known because the upstream registry did not answer.',
      labels: ['upstream'],
    });
    this.#limit = metrics.gauge('upstream_ratelimit_limit', {
      help: 'Requests that the upstream registry allows in its window, as it said last.',
      labels: ['upstream'],
    });
    this.#remaining = metrics.gauge('upstream_ratelimit_remaining', {
      help: 'Requests that the upstream registry still allows, as it said last.',
      labels: ['upstream'],
    });
  }

  answered(upstream: string, method: string, kind: AskedFor, status: number): void {
    this.#requests.inc({ upstream, method, kind, status: String(status) });
    // A challenge, or storage that refuses, is no sign that it delivers.
    const well = status < 400 || status === 404;
    if (well && this.#down.delete(upstream)) this.#log.info({ upstream }, 'the upstream answers again');
  }

  received(upstream: string, bytes: number): void {
    this.#received.inc({ upstream }, bytes);
  }

  rateLimit(upstream: string, { limit, remaining }: RateLimit): void {
    if (limit !== undefined) this.#limit.set({ upstream }, limit);
    if (remaining !== undefined) this.#remaining.set({ upstream }, remaining);
  }

  failed(upstream: string, { failure, message, passing }: UpstreamError): void {
    this.#failures.inc({ upstream, reason: failure });
    if (!passing) this.#log.debug({ upstream, reason: message }, 'the upstream does not give this');
    else if (!this.#down.has(upstream)) {
      this.#down.add(upstream);
      this.#log.warn({ upstream, reason: message }, 'the upstream does not deliver');
    }
  }

  servedStale(upstream: string, repository: string, tag: string): void {
    this.#stale.inc({ upstream });
    this.#log.debug({ upstream, repository, tag }, 'tag answered without the upstream');
  }

  manifestFetched(upstream: string, repository: string, digest: string): void {
    this.#log.info({ upstream, repository, digest }, 'manifest fetched');
  }
}
