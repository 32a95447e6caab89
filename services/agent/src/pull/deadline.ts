import { ShoalError } from '@shoal/core';

/** From a request to its first byte: one deadline over all that has to happen in between. */
export class FirstByteDeadline {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(timeoutMs: number, what: string) {
    const late = () => new ShoalError('UNAVAILABLE', 503, `${what}: nobody delivered a byte within ${timeoutMs} ms`);
    this.#timer = setTimeout(() => this.#controller.abort(late()), timeoutMs);
    this.#timer.unref();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The first byte is there, or nobody waits for it any more. */
  met(): void {
    clearTimeout(this.#timer);
  }

  /** The result of work that goes on for others when this request gives up. @throws ShoalError UNAVAILABLE (503) */
  async race<T>(work: Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    const { promise: late, reject } = Promise.withResolvers<never>();
    const aborted = (): void => reject(this.signal.reason as Error);
    this.signal.addEventListener('abort', aborted, { once: true });
    try {
      return await Promise.race([work, late]);
    } finally {
      this.signal.removeEventListener('abort', aborted);
    }
  }
}
