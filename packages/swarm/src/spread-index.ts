import type { PieceIndex, Prng } from '@shoal/core';
import { randomBelow } from '@shoal/core';
import { PieceSet } from './piece-set.ts';

/** Ranks from here on count as one: what is spread so far is not told apart any more. */
const ranksMax = 64;

/**
 * Pieces by rank, so that the lowest of them is found by a few words and not by a look at each: an origin of a blob of
 * thousands of pieces is asked thousands of times a second.
 */
export class SpreadIndex {
  readonly #pieceCount: number;
  readonly #ranks: PieceSet[] = [];
  /** The rank of each piece plus one; 0 for one that is not there. */
  readonly #rankOf: Uint8Array;

  constructor(pieceCount: number) {
    this.#pieceCount = pieceCount;
    this.#rankOf = new Uint8Array(pieceCount);
  }

  has(piece: PieceIndex): boolean {
    return (this.#rankOf[piece] ?? 0) > 0;
  }

  /** Puts the piece there, or moves it. */
  set(piece: PieceIndex, rank: number): void {
    const place = Math.min(rank, ranksMax - 1);
    const former = this.#rankOf[piece];
    if (former === undefined || former === place + 1) return;
    if (former > 0) this.#ranks[former - 1]?.delete(piece);
    while (this.#ranks.length <= place) this.#ranks.push(new PieceSet(this.#pieceCount));
    this.#ranks[place]?.add(piece);
    this.#rankOf[piece] = place + 1;
  }

  /** Whether there is a piece of a rank under this one. */
  hasBelow(rank: number): boolean {
    for (let low = 0; low < rank; low++) if ((this.#ranks[low]?.count ?? 0) > 0) return true;
    return false;
  }

  /** One of the pieces of lowest rank outside `without`, each as likely as the others. */
  lowest(without: PieceSet, prng: Prng): PieceIndex | undefined {
    for (const pieces of this.#ranks) {
      const count = pieces.count === 0 ? 0 : pieces.countOutside(without);
      if (count > 0) return pieces.nthOutside(without, randomBelow(prng, count));
    }
    return undefined;
  }
}
