import { ShoalError } from '@shoal/core';

/** From a request to its first byte: one deadline over all that has to happen in between. */
export class FirstByteDeadline {
  readonly #timer: NodeJS.Timeout;
  /** Most requests need none: nothing that they begin can be ended. */
  #controller: AbortController | undefined;
  #late: ShoalError | undefined;
  readonly #racing = new Set<(reason: ShoalError) => void>();

  constructor(timeoutMs: number, what: string) {
    this.#timer = setTimeout(() => {
      this.#late = new ShoalError('UNAVAILABLE', 503, `${what}: nobody delivered a byte within ${timeoutMs} ms`);
      this.#controller?.abort(this.#late);
      for (const reject of this.#racing) reject(this.#late);
    }, timeoutMs);
    this.#timer.unref();
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#late) this.#controller.abort(this.#late);
    return this.#controller.signal;
  }

  /** The first byte is there, or nobody waits for it any more. */
  met(): void {
    clearTimeout(this.#timer);
  }

  /** The result of work that goes on for others when this request gives up. @throws ShoalError UNAVAILABLE (503) */
  race<T>(work: Promise<T>): Promise<T> {
    if (this.#late) return Promise.reject(this.#late);
    return new Promise((resolve, reject) => {
      const settled = (): boolean => this.#racing.delete(reject);
      this.#racing.add(reject);
      work.then(
        (value) => settled() && resolve(value),
        (error: unknown) => settled() && reject(error as Error),
      );
    });
  }
}
