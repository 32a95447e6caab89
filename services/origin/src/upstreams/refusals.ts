import { OciError } from '@shoal/core';
import { Lru, UpstreamError } from '@shoal/registry';
import type { UpstreamEvents } from './upstream-events.ts';

const keptMax = 20_000;

/** What upstreams do not have, or do not give: they are not asked again for a while. */
export class Refusals {
  readonly #kept = new Lru<string, { readonly error: OciError; readonly untilMs: number }>({ sizeMax: keptMax });
  readonly #events: UpstreamEvents;
  readonly #negativeMs: number;
  readonly #clock: () => number;

  constructor(o: { events: UpstreamEvents; negativeMs: number; clock: () => number }) {
    this.#events = o.events;
    this.#negativeMs = o.negativeMs;
    this.#clock = o.clock;
  }

  /**
   * Runs a question to an upstream. A refusal is `unknown` to whoever asks, with the upstream's reason, now and for a
   * while after. @throws OciError of `unknown`'s code; UpstreamError when the upstream did not answer
   */
  async asking<T>(from: { readonly label: string }, key: string, unknown: OciError, ask: () => Promise<T>): Promise<T> {
    const kept = this.#kept.get(key);
    if (kept && this.#clock() < kept.untilMs) throw kept.error;
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      this.#events.failed(from.label, error);
      if (error.passing) throw error;
      const refusal = new OciError(unknown.code, `${unknown.message}: ${error.message}`, { cause: error });
      this.#kept.set(key, { error: refusal, untilMs: this.#clock() + this.#negativeMs });
      throw refusal;
    }
  }
}
