import { addTick, removeTick } from './ticker.ts';

/** What an idle bucket saves up, in milliseconds of its rate: a late tick loses nothing within it. */
const burstMs = 50;

/**
 * A token bucket that may go into debt: whoever is admitted spends what it likes, and nobody is admitted until that is
 * paid back. So a chunk need not be cut to the size of the bucket, and the rate is held over time.
 */
export class Throttle {
  readonly #bytesPerMs: number;
  readonly #clock: () => number;
  readonly #waiting: (() => void)[] = [];
  readonly #tick = (): void => this.#admitWaiting();
  #balance = 0;
  #paidMs: number;

  constructor(bytesPerSecond: number, clock: () => number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#clock = clock;
    this.#paidMs = clock();
  }

  /**
   * True: go on now. False: `resume` is called once when it is the caller's turn, which is then admitted; each caller
   * waits once at a time, and first come is first served.
   */
  admit(resume: () => void): boolean {
    if (this.admits) return true;
    if (this.#waiting.push(resume) === 1) addTick(this.#tick);
    return false;
  }

  /** Who waits no longer wants a turn. True when it was waiting. */
  leave(resume: () => void): boolean {
    const index = this.#waiting.indexOf(resume);
    if (index < 0) return false;
    this.#waiting.splice(index, 1);
    if (this.#waiting.length === 0) removeTick(this.#tick);
    return true;
  }

  /** Nobody waits and nothing is owed. */
  get admits(): boolean {
    this.#pay();
    return this.#waiting.length === 0 && this.#balance > 0;
  }

  /** Somebody waits for their turn: the rate is used up. */
  get saturated(): boolean {
    return this.#waiting.length > 0;
  }

  /** Less than nothing gives back what was spent in vain. */
  spend(bytes: number): void {
    this.#balance -= bytes;
  }

  /** Forgets who waits: no timer is left. */
  close(): void {
    this.#waiting.length = 0;
    removeTick(this.#tick);
  }

  #admitWaiting(): void {
    this.#pay();
    while (this.#balance > 0) {
      const resume = this.#waiting.shift();
      if (!resume) break;
      resume();
    }
    if (this.#waiting.length === 0) removeTick(this.#tick);
  }

  #pay(): void {
    const nowMs = this.#clock();
    this.#balance = Math.min(this.#balance + (nowMs - this.#paidMs) * this.#bytesPerMs, burstMs * this.#bytesPerMs);
    this.#paidMs = nowMs;
  }
}

/** Undefined without a limit, so that nothing is counted then. */
export const throttleOf = (bytesPerSecond: number, clock: () => number): Throttle | undefined =>
  bytesPerSecond > 0 ? new Throttle(bytesPerSecond, clock) : undefined;
