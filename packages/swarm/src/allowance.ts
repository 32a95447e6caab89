/** What an idle download saves up, in milliseconds of its rate: a late timer loses nothing within it. */
const burstMs = 50;

/**
 * What one download may ask for within its rate. It is charged with a whole piece when that is asked for and may go into
 * debt, so that pieces need not be cut; nothing more is asked for until that is paid back.
 */
export class Allowance {
  readonly #bytesPerMs: number;
  #balance: number;
  #paidMs: number | undefined;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#balance = burstMs * this.#bytesPerMs;
  }

  /** When something may be asked for: `nowMs` if it may at once. */
  openAtMs(nowMs: number): number {
    const earned = (nowMs - (this.#paidMs ?? nowMs)) * this.#bytesPerMs;
    this.#paidMs = nowMs;
    this.#balance = Math.min(this.#balance + earned, burstMs * this.#bytesPerMs);
    return this.#balance > 0 ? nowMs : nowMs + Math.max(1, -this.#balance / this.#bytesPerMs);
  }

  /** Less than nothing gives back what was charged for bytes that do not come. */
  charge(bytes: number): void {
    this.#balance -= bytes;
  }
}
