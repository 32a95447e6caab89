import type { MetricsSnapshot } from '@shoal/local';

const everyMs = 1000;

/** Looks at the tracker's metrics every second while the swarm runs: its busiest second is in no counter. */
export class TrackerWatch {
  requestsPerSecondMax = 0;
  readonly #read: () => Promise<MetricsSnapshot>;
  readonly #timer: NodeJS.Timeout;
  #last: { readonly requests: number; readonly atMs: number } | undefined;
  #looking: Promise<void> | undefined;

  constructor(read: () => Promise<MetricsSnapshot>) {
    this.#read = read;
    this.#timer = setInterval(() => this.#look(), everyMs);
    this.#look();
  }

  /** The last look is over when it resolves. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #look(): void {
    this.#looking ??= this.#read()
      .then(
        (metrics) => this.#count(requestsIn(metrics), performance.now()),
        // A tracker that is too busy to tell is asked again in a second.
        () => undefined,
      )
      .finally(() => {
        this.#looking = undefined;
      });
  }

  #count(requests: number, atMs: number): void {
    if (this.#last) {
      const perSecond = ((requests - this.#last.requests) * 1000) / (atMs - this.#last.atMs);
      this.requestsPerSecondMax = Math.max(this.requestsPerSecondMax, perSecond);
    }
    this.#last = { requests, atMs };
  }
}

export const requestsIn = (metrics: MetricsSnapshot): number => metrics.sum('shoal_tracker_requests_total');

/**
 * The upper edge of the histogram bucket, in seconds, that 99 % of the requests of all routes are under; the last finite
 * edge when more are beyond it. Undefined before the first request.
 */
export const handlingP99S = (metrics: MetricsSnapshot, edges: readonly number[]): number | undefined => {
  const count = metrics.sum('shoal_tracker_request_seconds_count');
  if (count === 0) return undefined;
  const under = (edge: number): number => metrics.sum('shoal_tracker_request_seconds_bucket', { le: String(edge) });
  return edges.find((edge) => under(edge) >= 0.99 * count) ?? edges.at(-1);
};
