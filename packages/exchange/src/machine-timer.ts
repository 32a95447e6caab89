/**
 * The one timer of a machine: armed with what `nextTimeoutMs` says after every turn, and re-armed only when the
 * moment comes nearer, so that a machine which moves its deadline on every byte, or awaits something every other moment,
 * costs no timer calls.
 */
export class MachineTimer {
  readonly #fire: () => void;
  readonly #clock: () => number;
  #handle: NodeJS.Timeout | undefined;
  #dueMs = Infinity;

  constructor(clock: () => number, fire: () => void) {
    this.#clock = clock;
    this.#fire = fire;
  }

  /** `inMs` from now; undefined means that nothing is awaited. Later than the armed moment, or not at all, fires early, harmlessly. */
  arm(inMs: number | undefined): void {
    if (inMs === undefined) return;
    const dueMs = this.#clock() + inMs;
    if (this.#handle && dueMs >= this.#dueMs) return;
    clearTimeout(this.#handle);
    this.#dueMs = dueMs;
    this.#handle = setTimeout(
      () => {
        this.#handle = undefined;
        this.#dueMs = Infinity;
        this.#fire();
      },
      Math.max(1, inMs),
    );
  }

  stop(): void {
    clearTimeout(this.#handle);
    this.#handle = undefined;
    this.#dueMs = Infinity;
  }
}
