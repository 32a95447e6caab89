import { type Address, formatAddress, ShoalError } from '@shoal/core';
import { DialError, type Link } from '@shoal/transport';
import type { ExchangeLimits } from './limits.ts';

/** The address failed a moment ago and is not tried again yet. */
export class DialBackoffError extends ShoalError {
  readonly retryInMs: number;

  constructor(address: string, retryInMs: number) {
    super(
      'DIAL_BACKOFF',
      503,
      `dial ${address}: it failed a moment ago, the next try is in ${Math.ceil(retryInMs)} ms`,
    );
    this.retryInMs = retryInMs;
  }
}

export interface DialerOptions {
  dial(address: Address, options: { readonly signal: AbortSignal }): Promise<Link>;
  readonly limits: ExchangeLimits;
  readonly clock: () => number;
}

/** Dials with a deadline. An address that fails waits, twice as long after each failure, for all downloads alike. */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #failures = new Map<string, { count: number; retryAtMs: number }>();
  readonly #closing = new AbortController();

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** @throws DialBackoffError, or what the endpoint's dial throws */
  async connect(address: Address): Promise<Link> {
    const { limits, clock, dial } = this.#options;
    const key = formatAddress(address);
    const waitMs = (this.#failures.get(key)?.retryAtMs ?? 0) - clock();
    if (waitMs > 0) throw new DialBackoffError(key, waitMs);
    try {
      const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limits.dialTimeoutMs)]);
      const link = await dial(address, { signal });
      this.#failures.delete(key);
      return link;
    } catch (error) {
      if (!(error instanceof DialError && error.local)) this.#failed(key);
      throw error;
    }
  }

  close(): void {
    this.#closing.abort(new ShoalError('CLOSING', 503, 'the exchange is closing'));
  }

  #failed(key: string): void {
    const { limits, clock } = this.#options;
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    const pauseMs = Math.min(limits.redialMaxMs, limits.redialMinMs * 2 ** Math.min(count - 1, 20));
    // Re-inserted last: the map keeps the order of failure, and its oldest entry goes first.
    this.#failures.delete(key);
    this.#failures.set(key, { count, retryAtMs: clock() + pauseMs });
    if (this.#failures.size > limits.failuresMax) this.#failures.delete(this.#failures.keys().next().value ?? key);
  }
}
