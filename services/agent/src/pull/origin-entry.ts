import type { PeerEntry } from '@shoal/protocol';

/** How long the tracker's answer is waited for: peers come before origins where there are any. */
const trackerGraceMs = 150;
/** How long complete peers have the word alone, before an origin helps. */
const seedsAloneMs = 1_000;

/**
 * When a download turns to the origins in the swarm: at once where no peer has the whole blob, so that new pieces
 * enter the swarm; a little later where some do, so that an image that is on the nodes does not load the origin.
 */
export class OriginEntry {
  readonly #enter: () => void;
  #timer: NodeJS.Timeout | undefined;
  #answered = false;

  constructor(enter: () => void) {
    this.#enter = enter;
    this.#arm(trackerGraceMs);
  }

  /** Who the tracker named. */
  peers(entries: readonly PeerEntry[]): void {
    if (this.#answered) return;
    this.#answered = true;
    const seeds = entries.some(({ complete, role }) => complete && role === 'agent');
    if (!this.#timer) return;
    if (seeds) this.#arm(seedsAloneMs);
    else this.now();
  }

  /** The peers do not do. */
  now(): void {
    if (!this.#timer) return;
    this.stop();
    this.#enter();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(inMs: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.now(), inMs);
    this.#timer.unref();
  }
}
