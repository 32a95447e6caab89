/**
 * How fast the swarm moves pieces by itself, against what the origin adds. Where agents have a tenth of the origin's
 * uplink a second copy from the origin helps; where they are as fast as the origin, N of them need no help.
 */
export class SwarmProgress {
  readonly #swarm = new Rate(swarmWindowMs);
  readonly #origin = new Rate(originWindowMs);
  #watched = false;

  /** An agent told of `pieces` that it got from others since it told last. */
  swarm(pieces: number, nowMs: number): void {
    if (this.#watched) this.#swarm.add(pieces, nowMs);
  }

  origin(pieces: number, nowMs: number): void {
    this.#origin.add(pieces, nowMs);
  }

  /**
   * Asked once all is out. The swarm is watched from the first question on: before, it had little to pass on and some of
   * its agents had only come. Until it was watched for a whole window it counts as the faster one.
   */
  originIsFaster(nowMs: number): boolean {
    if (!this.#watched) this.#swarm.add(0, nowMs);
    this.#watched = true;
    const swarm = this.#swarm.recent(nowMs);
    return swarm !== undefined && this.#origin.typical > swarm;
  }
}

/** Events a millisecond, over windows that are closed when they have lasted long enough. */
class Rate {
  /** Smoothed over the closed windows in which anything moved. */
  typical = 0;
  readonly #windowMs: number;
  #last: number | undefined;
  #count = 0;
  #sinceMs: number | undefined;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(count: number, nowMs: number): void {
    this.#sinceMs ??= nowMs;
    this.#count += count;
    this.#roll(nowMs);
  }

  /** Undefined until the first window is closed. */
  recent(nowMs: number): number | undefined {
    this.#roll(nowMs);
    return this.#last;
  }

  #roll(nowMs: number): void {
    const spanMs = nowMs - (this.#sinceMs ?? nowMs);
    if (spanMs < this.#windowMs) return;
    const rate = this.#count / spanMs;
    this.#last = rate;
    if (rate > 0) this.typical = this.typical === 0 ? rate : this.typical + (rate - this.typical) / 4;
    this.#count = 0;
    this.#sinceMs = nowMs;
  }
}

const originWindowMs = 250;
/** Agents that were refused tell what they got when they ask again, which may be a second later. */
const swarmWindowMs = 1000;
