/**
 * The one deadline of a reply: it is re-armed for every wait instead of allocating a timer and a signal a chunk.
 * Once its signal has aborted the reply is over.
 */
export class Watchdog implements Disposable {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerMs = 0;
  /** Why the wait that runs would be given up; undefined between two waits. */
  #late: (() => Error) | undefined;
  #leave: ((reason: Error) => void) | undefined;

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
    this.#leave?.(this.signal.reason as Error);
  }

  /** Runs one wait; the signal aborts with `reason()` when it takes longer than `timeoutMs`. */
  async guard<T>(timeoutMs: number, reason: () => Error, wait: () => Promise<T>): Promise<T> {
    this.#arm(timeoutMs, reason);
    try {
      return await wait();
    } finally {
      this.#late = undefined;
    }
  }

  /**
   * As guard, for an operation that calls back and cannot be aborted: the promise rejects with the signal's reason as
   * soon as that aborts. One wait at a time. Costs no listener, which counts once a chunk.
   */
  guardCallback(timeoutMs: number, reason: () => Error, start: (done: (error?: Error) => void) => void): Promise<void> {
    this.#arm(timeoutMs, reason);
    return new Promise((resolve, reject) => {
      this.#leave = reject;
      start((error) => {
        this.#late = this.#leave = undefined;
        if (error) reject(error);
        else resolve();
      });
    });
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#outerAborted);
  }

  /** A timer that fires between two waits does nothing, and is armed again by the next one. */
  #arm(timeoutMs: number, reason: () => Error): void {
    this.signal.throwIfAborted();
    this.#late = reason;
    if (this.#timer && this.#timerMs === timeoutMs) return void this.#timer.refresh();
    clearTimeout(this.#timer);
    this.#timerMs = timeoutMs;
    this.#timer = setTimeout(() => {
      if (this.#late) this.abort(this.#late());
    }, timeoutMs);
  }

  readonly #outerAborted = (): void => this.abort(this.#outer?.reason as Error);
}
