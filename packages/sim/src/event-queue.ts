import { grown } from './grown.ts';

/**
 * The clock of a simulated world: a binary heap in typed arrays. Entries can be moved and cancelled by their slot, so
 * that a transfer whose rate changes has one entry and not one a change. Same time: first scheduled, first run.
 */
export class EventQueue {
  nowMs = 0;
  /** Events that were run. */
  count = 0;
  /** Called before the clock moves on; may schedule and move events. */
  onInstantEnd: () => void = () => undefined;
  #heap = new Int32Array(1024);
  #size = 0;
  #times = new Float64Array(1024);
  #orders = new Float64Array(1024);
  /** Place in the heap, -1 when the slot is free. */
  #places = new Int32Array(1024).fill(-1);
  readonly #runs: ((() => void) | undefined)[] = [];
  readonly #free: number[] = [];
  #order = 0;

  /** Runs `run` at `timeMs` (now at the earliest). Returns the slot, valid until it ran or was cancelled. */
  schedule(timeMs: number, run: () => void): number {
    const slot = this.#free.pop() ?? this.#runs.length;
    this.#runs[slot] = run;
    if (slot >= this.#times.length || this.#size >= this.#heap.length) this.#grow();
    this.#times[slot] = Math.max(this.nowMs, timeMs);
    this.#orders[slot] = this.#order++;
    this.#size++;
    this.#place(this.#size - 1, slot);
    this.#up(this.#size - 1);
    return slot;
  }

  move(slot: number, timeMs: number): void {
    const place = this.#places[slot] ?? -1;
    if (place < 0) return;
    this.#times[slot] = Math.max(this.nowMs, timeMs);
    this.#orders[slot] = this.#order++;
    this.#up(place);
    this.#down(this.#places[slot] ?? 0);
  }

  cancel(slot: number): void {
    const place = this.#places[slot] ?? -1;
    if (place < 0) return;
    this.#remove(place);
    this.#release(slot);
  }

  timeOf(slot: number): number {
    return this.#times[slot] ?? Infinity;
  }

  /** Runs the next event. False when there is none, or none until `untilMs`. */
  step(untilMs = Infinity): boolean {
    if (this.#size === 0) return false;
    if ((this.#times[this.#heap[0] ?? 0] ?? 0) > this.nowMs) this.onInstantEnd();
    const slot = this.#heap[0] ?? 0;
    const timeMs = this.#times[slot] ?? 0;
    if (timeMs > untilMs) return false;
    this.nowMs = timeMs;
    this.count++;
    const run = this.#runs[slot];
    this.#remove(0);
    this.#release(slot);
    run?.();
    return true;
  }

  #release(slot: number): void {
    this.#places[slot] = -1;
    this.#runs[slot] = undefined;
    this.#free.push(slot);
  }

  #remove(place: number): void {
    this.#size--;
    const last = this.#heap[this.#size] ?? 0;
    if (place === this.#size) return;
    this.#place(place, last);
    this.#up(place);
    this.#down(this.#places[last] ?? 0);
  }

  #place(place: number, slot: number): void {
    this.#heap[place] = slot;
    this.#places[slot] = place;
  }

  #before(a: number, b: number): boolean {
    const timeA = this.#times[a] ?? 0;
    const timeB = this.#times[b] ?? 0;
    return timeA < timeB || (timeA === timeB && (this.#orders[a] ?? 0) < (this.#orders[b] ?? 0));
  }

  #up(from: number): void {
    let place = from;
    const slot = this.#heap[place] ?? 0;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = this.#heap[parent] ?? 0;
      if (!this.#before(slot, above)) break;
      this.#place(place, above);
      place = parent;
    }
    this.#place(place, slot);
  }

  #down(from: number): void {
    let place = from;
    const slot = this.#heap[place] ?? 0;
    for (;;) {
      let child = place * 2 + 1;
      if (child >= this.#size) break;
      if (child + 1 < this.#size && this.#before(this.#heap[child + 1] ?? 0, this.#heap[child] ?? 0)) child++;
      const below = this.#heap[child] ?? 0;
      if (!this.#before(below, slot)) break;
      this.#place(place, below);
      place = child;
    }
    this.#place(place, slot);
  }

  #grow(): void {
    const length = this.#times.length * 2;
    this.#times = grown(this.#times, new Float64Array(length));
    this.#orders = grown(this.#orders, new Float64Array(length));
    this.#places = grown(this.#places, new Int32Array(length).fill(-1));
    this.#heap = grown(this.#heap, new Int32Array(length));
  }
}
