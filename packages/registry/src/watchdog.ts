/**
 * The one deadline of a reply: it is re-armed for every wait instead of allocating a timer and a signal a chunk.
 * Once its signal has aborted the reply is over.
 */
export class Watchdog implements Disposable {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Aborts with `outer` as well, for its reason. */
  constructor(outer?: AbortSignal) {
    this.#outer = outer;
    if (outer?.aborted) this.#controller.abort(outer.reason);
    else outer?.addEventListener('abort', this.#outerAborted, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  /** Runs one wait; the signal aborts with `reason()` when it takes longer than `timeoutMs`. */
  async guard<T>(timeoutMs: number, reason: () => Error, wait: () => Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    this.#timer = setTimeout(() => this.abort(reason()), timeoutMs);
    try {
      return await wait();
    } finally {
      clearTimeout(this.#timer);
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#outerAborted);
  }

  readonly #outerAborted = (): void => this.abort(this.#outer?.reason as Error);
}
