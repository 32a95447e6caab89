import type { HeartbeatResponse } from '@shoal/protocol';

const firstMs = 1_000;
const intervalMinMs = 200;
const intervalMaxMs = 300_000;
const soonMs = 500;

export interface HeartbeatOptions {
  readonly send: () => Promise<HeartbeatResponse>;
  /** The tracker does not know this node, though it had announced something. */
  readonly forgotten: () => void;
  readonly prng: () => number;
}

/** One heartbeat a node keeps all its announces alive; the tracker sets the pace, jitter keeps nodes apart. */
export class Heartbeat {
  readonly #o: HeartbeatOptions;
  #intervalMs = firstMs;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #beating = false;

  constructor(o: HeartbeatOptions) {
    this.#o = o;
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** The next beat comes soon: there is news. */
  soon(): void {
    clearTimeout(this.#timer);
    if (!this.#beating) this.#arm(Math.min(this.#intervalMs, soonMs));
  }

  #arm(intervalMs = this.#intervalMs): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#beat(), intervalMs * (0.8 + 0.4 * this.#o.prng()));
    this.#timer.unref();
  }

  async #beat(): Promise<void> {
    this.#beating = true;
    try {
      const answer = await this.#o.send();
      this.#intervalMs = Math.min(Math.max(answer.intervalMs, intervalMinMs), intervalMaxMs);
      if (!answer.known && !this.#stopped) this.#o.forgotten();
    } catch {
      // Announces report a tracker that is down; the next beat asks again.
    }
    this.#beating = false;
    this.#arm();
  }
}
