import type { PieceIndex } from '@shoal/core';
import type { PeerHandle } from './peer.ts';

interface Sent {
  readonly peer: PeerHandle;
  readonly piece: PieceIndex;
}

/** Where a smaller part of the pieces reached others in time, pieces spread slowly and nobody is to blame. */
const reachedMin = 0.75;

/**
 * Finds pieces that were given to somebody who does not pass them on: one whose pieces are corrupt, whom nobody can
 * reach, or who only takes. A piece is judged once, when `after` more were sent, by whether others have it by then.
 * Source: BEP 16 (no further piece before the last one was seen at others), softened to a statistic.
 */
export class PassingOn {
  readonly #after: number;
  readonly #recent: Sent[] = [];
  /** The share that reached others, smoothed. */
  #reached = 0;

  constructor(after: number) {
    this.#after = after;
  }

  /** One more was sent in full. The piece that was judged by that and did not get on, if it did not. */
  sent(last: Sent, reached: (piece: PieceIndex) => boolean): Sent | undefined {
    this.#recent.push(last);
    if (this.#recent.length <= this.#after) return undefined;
    const first = this.#recent.shift() as Sent;
    const got = reached(first.piece);
    this.#reached += (Number(got) - this.#reached) / 32;
    return got || this.#reached < reachedMin ? undefined : first;
  }
}
