import { UpstreamError } from './upstream-error.ts';

/** An upstream that asks for more rest than this is asked again anyway: its clock or ours may be wrong. */
const restMsMax = 10 * 60_000;
/** How long one is left alone that refuses by its rate limit and does not say for how long. */
const limitedMs = 5_000;
/** How long an upstream that did not answer is believed to be down by those who have something else to answer. */
const downMs = 3_000;

/** Whether one address of an upstream is worth asking now. */
export class Health {
  readonly #clock: () => number;
  #resting: { readonly untilMs: number; readonly error: UpstreamError } | undefined;
  #down: { readonly untilMs: number; readonly error: UpstreamError } | undefined;

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** `hurried`: the caller has something to answer without the upstream. @throws UpstreamError why it is not worth it */
  check(hurried: boolean): void {
    const nowMs = this.#clock();
    if (this.#resting && nowMs < this.#resting.untilMs) throw this.#resting.error;
    if (hurried && this.#down && nowMs < this.#down.untilMs) throw this.#down.error;
  }

  answered(): void {
    this.#down = undefined;
    this.#resting = undefined;
  }

  failed(error: UpstreamError): void {
    const nowMs = this.#clock();
    if (error.failure === 'unreachable') this.#down = { untilMs: nowMs + downMs, error };
    const restMs = error.retryAfterMs ?? (error.failure === 'limited' ? limitedMs : undefined);
    if (restMs !== undefined) this.#resting = { untilMs: nowMs + Math.min(restMs, restMsMax), error };
  }
}
