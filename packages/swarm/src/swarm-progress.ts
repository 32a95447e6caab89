/**
 * How fast the swarm moves pieces by itself, against what the origin adds. Where agents have a tenth of the origin's
 * uplink a second copy from the origin helps; where they are as fast as the origin, N of them need no help.
 */
export class SwarmProgress {
  readonly #swarm = new Rate();
  readonly #origin = new Rate();

  /** Agents told of `pieces` that they got from each other. */
  swarm(pieces: number, nowMs: number): void {
    this.#swarm.add(pieces, nowMs);
  }

  origin(pieces: number, nowMs: number): void {
    this.#origin.add(pieces, nowMs);
  }

  originIsFaster(nowMs: number): boolean {
    return this.#origin.typical > this.#swarm.recent(nowMs);
  }
}

/** Events a millisecond, over windows that are closed when they have lasted long enough. */
class Rate {
  /** Smoothed over the closed windows in which anything moved. */
  typical = 0;
  #last = 0;
  #count = 0;
  #sinceMs: number | undefined;

  add(count: number, nowMs: number): void {
    this.#sinceMs ??= nowMs;
    this.#count += count;
    this.#roll(nowMs);
  }

  recent(nowMs: number): number {
    this.#roll(nowMs);
    return this.#last;
  }

  #roll(nowMs: number): void {
    const spanMs = nowMs - (this.#sinceMs ?? nowMs);
    if (spanMs < windowMs) return;
    this.#last = this.#count / spanMs;
    if (this.#last > 0) this.typical = this.typical === 0 ? this.#last : this.typical + (this.#last - this.typical) / 4;
    this.#count = 0;
    this.#sinceMs = nowMs;
  }
}

const windowMs = 250;
