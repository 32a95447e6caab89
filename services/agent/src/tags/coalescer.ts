import { ShoalError } from '@shoal/core';

interface Flight<V> {
  readonly running: Promise<V>;
  next: Promise<V> | undefined;
}

/** One turn of the event loop and what has come in meanwhile: who was answered just now asks the next question with the others. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/**
 * Joins concurrent revalidations of one key such that nobody gets the result of a revalidation that
 * started before they asked: one is in flight, and all who ask meanwhile share the one that starts
 * after it. So a tag pushed before a request is always seen by that request, and a crowd of requests
 * costs the origin two round trips.
 */
export class Coalescer<V> {
  readonly #flights = new Map<string, Flight<V>>();
  readonly #keysMax: number;

  constructor(o: { keysMax: number }) {
    this.#keysMax = o.keysMax;
  }

  /** @throws ShoalError OVERLOADED (503) when too many keys are in flight; else whatever `revalidate` throws */
  run(key: string, revalidate: () => Promise<V>): Promise<V> {
    const flight = this.#flights.get(key);
    if (!flight) return this.#start(key, revalidate);
    flight.next ??= flight.running.then(turn, turn).then(() => this.#start(key, revalidate));
    return flight.next;
  }

  #start(key: string, revalidate: () => Promise<V>): Promise<V> {
    if (this.#flights.size >= this.#keysMax && !this.#flights.has(key)) {
      return Promise.reject(
        new ShoalError('OVERLOADED', 503, `more than ${this.#keysMax} tags are being resolved at once`),
      );
    }
    const running = revalidate();
    const flight: Flight<V> = { running, next: undefined };
    this.#flights.set(key, flight);
    const done = () => {
      if (this.#flights.get(key) === flight && !flight.next) this.#flights.delete(key);
    };
    running.then(done, done);
    return running;
  }
}
