/**
 * What the neighbours' service takes: smoothed time and deviation of a request from REQUEST to the verified piece, and of
 * a transfer from its first byte to its last. Deadlines come from it, so a dead peer is found in a few piece times on
 * a fast network and a slow one is not blamed. Source: RFC 6298, section 2 (SRTT, RTTVAR, K = 4) and 5.5 (backoff).
 */
export class Turnaround {
  #request = new Smoothed();
  #transfer = new Smoothed();
  #gap = new Smoothed();
  #lastPieceMs: number | undefined;
  #backoff = 1;
  #backedOffMs = -Infinity;

  /** How much longer than measured is waited, since waits were given up in vain: 1 or more. */
  get backoff(): number {
    return this.#backoff;
  }

  /** Requests ran out of time, after `waitMs` each: only what was faster is measured, so the next ones may take twice as long. */
  missed(waitMs: number, nowMs: number): void {
    if (nowMs - this.#backedOffMs < waitMs) return;
    this.#backedOffMs = nowMs;
    this.#backoff = Math.min(backoffMax, 2 * this.#backoff);
  }

  /** A piece came through. Times in ms. */
  pieceDone(requestMs: number, transferMs: number, nowMs: number): void {
    this.#request.add(requestMs);
    this.#transfer.add(transferMs);
    if (this.#lastPieceMs !== undefined) this.#gap.add(nowMs - this.#lastPieceMs);
    this.#lastPieceMs = nowMs;
    this.#backoff = Math.max(1, this.#backoff * backoffDecay);
  }

  /** After this many ms without a byte a request that waits in a queue is given up; undefined before the first piece. */
  get waitMs(): number | undefined {
    return this.#request.known ? 2 * this.#request.mean + 4 * this.#request.deviation : undefined;
  }

  /** After this many ms without a byte a running transfer is given up. */
  get stallMs(): number | undefined {
    return this.#transfer.known ? 4 * this.#transfer.mean + 4 * this.#transfer.deviation : undefined;
  }

  /** The mean time between two pieces that arrive: one piece at the whole measured rate. */
  get pieceMs(): number | undefined {
    return this.#gap.known ? this.#gap.mean : this.#request.known ? this.#request.mean : undefined;
  }
}

const backoffMax = 64;
/** A piece that comes does not tell that those given up would not have come: the backoff goes by and by. */
const backoffDecay = 0.8;

class Smoothed {
  mean = 0;
  deviation = 0;
  known = false;

  add(sample: number): void {
    if (!this.known) {
      this.mean = sample;
      this.deviation = sample / 2;
      this.known = true;
      return;
    }
    this.deviation += (Math.abs(sample - this.mean) - this.deviation) / 4;
    this.mean += (sample - this.mean) / 8;
  }
}
