import { ShoalError } from '@shoal/core';

/** One run of `work` a key at a time; who asks meanwhile shares its result. For content that never changes. */
export class SingleFlight<V> {
  readonly #flights = new Map<string, Promise<V>>();
  readonly #keysMax: number;

  constructor(o: { keysMax: number }) {
    this.#keysMax = o.keysMax;
  }

  get size(): number {
    return this.#flights.size;
  }

  /** @throws ShoalError OVERLOADED (503) when too many keys are in flight; else whatever `work` throws */
  run(key: string, work: () => Promise<V>): Promise<V> {
    const flight = this.#flights.get(key);
    if (flight) return flight;
    if (this.#flights.size >= this.#keysMax) {
      return Promise.reject(
        new ShoalError('OVERLOADED', 503, `more than ${this.#keysMax} of these are being fetched at once`),
      );
    }
    const started = work().finally(() => this.#flights.delete(key));
    this.#flights.set(key, started);
    return started;
  }
}
