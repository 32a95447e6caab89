import { ShoalError } from '@shoal/core';

export interface RequestRateOptions {
  readonly perSecondMax: number;
  /** Requests one peer may make at once after a pause. */
  readonly burst: number;
  readonly peersMax: number;
  readonly clock: () => number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export class TooManyRequestsError extends ShoalError {
  constructor(perSecondMax: number) {
    super(
      'TOO_MANY_REQUESTS',
      429,
      `more than ${perSecondMax} requests a second of one peer (limits.requestsPerSecondMax)`,
    );
  }
}

/** A token bucket a peer. The peers seen longest ago are forgotten first; a forgotten one starts with a full bucket. */
export class RequestRate {
  readonly #o: RequestRateOptions;
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RequestRateOptions) {
    this.#o = options;
  }

  /** Takes one token. @throws TooManyRequestsError */
  take(peer: string): void {
    const { perSecondMax, burst, peersMax, clock } = this.#o;
    const nowMs = clock();
    const before = this.#buckets.get(peer) ?? { tokens: burst, atMs: nowMs };
    const tokens = Math.min(burst, before.tokens + ((nowMs - before.atMs) * perSecondMax) / 1000);
    this.#buckets.delete(peer);
    this.#buckets.set(peer, { tokens: tokens < 1 ? tokens : tokens - 1, atMs: nowMs });
    if (this.#buckets.size > peersMax) this.#buckets.delete(this.#buckets.keys().next().value ?? '');
    if (tokens < 1) throw new TooManyRequestsError(perSecondMax);
  }
}
