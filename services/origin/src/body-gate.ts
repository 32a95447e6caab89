import { KiB, ShoalError } from '@shoal/core';

/** What a socket takes at once: such a body is over before another one would have had its place. */
const freeBytes = 64 * KiB;

export interface BodyGateOptions {
  /** Bodies sent at the same moment, and requests that wait for one to end. */
  readonly activeMax: number;
  readonly waitMs: number;
}

/** What a body holds while it is sent; a small one holds nothing. */
type BodyPlace = Disposable | undefined;

/**
 * How many bodies go out over HTTP at once: each holds a file, a buffer and a socket, and one in a crowd without bound is
 * slower than any client's patience.
 */
export class BodyGate {
  readonly #o: BodyGateOptions;
  /** In the order in which they came. */
  readonly #waiting = new Set<() => void>();
  #active = 0;

  constructor(o: BodyGateOptions) {
    this.#o = o;
  }

  get active(): number {
    return this.#active;
  }

  /** For those who have others to turn to. @throws ShoalError BUSY when there is no place, or somebody waits for one */
  enter(bytes: number): BodyPlace {
    if (bytes <= freeBytes) return undefined;
    if (this.#active >= this.#o.activeMax) throw this.#busy();
    return this.#take();
  }

  /** For clients that would give up at a refusal. @throws ShoalError BUSY after `waitMs`, or the signal's reason */
  async wait(bytes: number, signal: AbortSignal): Promise<BodyPlace> {
    if (bytes <= freeBytes || this.#active < this.#o.activeMax) return this.enter(bytes);
    if (this.#waiting.size >= this.#o.activeMax) throw this.#busy();
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    // Who gives up is off the list at once: a place must not go to one that has left.
    const giveUp = (reason: Error): void => {
      this.#waiting.delete(resolve);
      reject(reason);
    };
    const late = setTimeout(() => giveUp(this.#busy()), this.#o.waitMs);
    const left = (): void => giveUp(signal.reason as Error);
    signal.addEventListener('abort', left, { once: true });
    this.#waiting.add(resolve);
    try {
      await promise;
    } finally {
      clearTimeout(late);
      signal.removeEventListener('abort', left);
    }
    return this.#place();
  }

  #take(): Disposable {
    this.#active++;
    return this.#place();
  }

  #place(): Disposable {
    return { [Symbol.dispose]: () => this.#free() };
  }

  /** The place goes to the one who has waited longest, without a moment in which another could take it. */
  #free(): void {
    const [next] = this.#waiting;
    if (!next) return void this.#active--;
    this.#waiting.delete(next);
    next();
  }

  #busy(): ShoalError {
    return new ShoalError('BUSY', 503, `${this.#active} bodies are being sent (pulls.activeMax); try again later`);
  }
}
