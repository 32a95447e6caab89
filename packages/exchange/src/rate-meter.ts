/** How many bytes a second leave, over a sliding window of a few equal slots. */
export class RateMeter {
  readonly #slotMs: number;
  readonly #slots: number[];
  #slot = 0;
  #startMs: number | undefined;
  #sum = 0;

  constructor({ windowMs = 500, slots = 5 }: { windowMs?: number; slots?: number } = {}) {
    this.#slotMs = windowMs / slots;
    this.#slots = Array.from({ length: slots }, () => 0);
  }

  add(bytes: number, nowMs: number): void {
    this.#advance(nowMs);
    const at = this.#slot % this.#slots.length;
    this.#slots[at] = (this.#slots[at] ?? 0) + bytes;
    this.#sum += bytes;
  }

  /** Bytes a second over the window; the slot that is still filling counts by its age. */
  bytesPerSecond(nowMs: number): number {
    this.#advance(nowMs);
    if (this.#startMs === undefined) return 0;
    const windowMs = this.#slotMs * (this.#slots.length - 1) + (nowMs % this.#slotMs);
    const coveredMs = Math.max(Math.min(nowMs - this.#startMs, windowMs), this.#slotMs);
    return (this.#sum * 1000) / coveredMs;
  }

  #advance(nowMs: number): void {
    const slot = Math.floor(nowMs / this.#slotMs);
    if (this.#startMs === undefined) {
      this.#startMs = nowMs;
      this.#slot = slot;
    }
    const steps = Math.min(slot - this.#slot, this.#slots.length);
    for (let step = 1; step <= steps; step++) {
      const at = (this.#slot + step) % this.#slots.length;
      this.#sum -= this.#slots[at] ?? 0;
      this.#slots[at] = 0;
    }
    if (slot > this.#slot) this.#slot = slot;
  }
}
