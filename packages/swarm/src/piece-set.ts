import type { Bitfield, PieceIndex, Prng } from '@shoal/core';
import { randomBelow } from '@shoal/core';

/**
 * A set of pieces in 32-bit words, most significant bit first: what the machines intersect thousands of times a
 * second. Bitfield stays the value at the edges (wire, disk).
 */
export class PieceSet {
  readonly length: number;
  readonly words: Uint32Array;
  #count = 0;

  constructor(length: number) {
    this.length = length;
    this.words = new Uint32Array(Math.ceil(length / 32));
  }

  /** @throws RangeError when the bitfield is of another length */
  static from(field: Bitfield, length: number): PieceSet {
    if (field.length !== length) throw new RangeError(`a bitfield of ${field.length} pieces in a swarm of ${length}`);
    const set = new PieceSet(length);
    const bytes = field.toBytes();
    for (let index = 0; index < bytes.length; index++) {
      const byte = bytes[index] ?? 0;
      const word = index >> 2;
      set.words[word] = (set.words[word] ?? 0) | (byte << (24 - (index & 3) * 8));
    }
    set.#count = field.count;
    return set;
  }

  get count(): number {
    return this.#count;
  }

  has(piece: PieceIndex): boolean {
    return ((this.words[piece >>> 5] ?? 0) & (0x8000_0000 >>> (piece & 31))) !== 0;
  }

  /** True when the piece was not in the set; a piece outside the blob never is and never gets in. */
  add(piece: PieceIndex): boolean {
    if (piece < 0 || piece >= this.length || this.has(piece)) return false;
    this.words[piece >>> 5] = (this.words[piece >>> 5] ?? 0) | (0x8000_0000 >>> (piece & 31));
    this.#count++;
    return true;
  }

  delete(piece: PieceIndex): boolean {
    if (piece < 0 || piece >= this.length || !this.has(piece)) return false;
    this.words[piece >>> 5] = (this.words[piece >>> 5] ?? 0) & ~(0x8000_0000 >>> (piece & 31));
    this.#count--;
    return true;
  }

  /** How many pieces are here and not in the other set. */
  countOutside(other: PieceSet): number {
    let count = 0;
    for (let word = 0; word < this.words.length; word++)
      count += onesIn((this.words[word] ?? 0) & ~(other.words[word] ?? 0));
    return count;
  }

  /** The `nth` (from 0) of its pieces. */
  nth(nth: number): PieceIndex | undefined {
    return this.nthOutside(nothing, nth);
  }

  /** The `nth` (from 0) of the pieces that are here and not in the other set. */
  nthOutside(other: PieceSet, nth: number): PieceIndex | undefined {
    let left = nth;
    for (let word = 0; word < this.words.length; word++) {
      let bits = (this.words[word] ?? 0) & ~(other.words[word] ?? 0);
      const ones = onesIn(bits);
      if (left >= ones) {
        left -= ones;
        continue;
      }
      for (; left > 0; left--) bits &= ~(0x8000_0000 >>> Math.clz32(bits));
      return word * 32 + Math.clz32(bits);
    }
    return undefined;
  }

  *[Symbol.iterator](): Generator<PieceIndex> {
    for (let word = 0; word < this.words.length; word++) {
      for (let bits = this.words[word] ?? 0; bits !== 0;) {
        const lead = Math.clz32(bits);
        yield word * 32 + lead;
        bits &= ~(0x8000_0000 >>> lead);
      }
    }
  }
}

const nothing = new PieceSet(0);

/** The ones of a 32-bit word. Source: Warren, Hacker's Delight, figure 5-2. */
const onesIn = (word: number): number => {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
};

/** How many pieces are in both. */
export const countCommon = (a: PieceSet, b: PieceSet): number => {
  let count = 0;
  for (let word = 0; word < a.words.length; word++) count += onesIn((a.words[word] ?? 0) & (b.words[word] ?? 0));
  return count;
};

/** More candidates than this are not compared: the rarest of a large sample is rare enough. */
const candidatesMax = 256;

/**
 * The piece of lowest rank in both sets: random start, random ties, at most 256 candidates.
 * Undefined when the sets have nothing in common.
 */
export const pickLowest = (a: PieceSet, b: PieceSet, rank: Uint16Array, prng: Prng): PieceIndex | undefined => {
  const { length } = a.words;
  const start = randomBelow(prng, length);
  let best: PieceIndex | undefined;
  let bestRank = Infinity;
  let ties = 0;
  let candidates = 0;
  for (let step = 0; step < length && candidates < candidatesMax; step++) {
    const word = start + step < length ? start + step : start + step - length;
    for (let bits = (a.words[word] ?? 0) & (b.words[word] ?? 0); bits !== 0;) {
      const lead = Math.clz32(bits);
      bits &= ~(0x8000_0000 >>> lead);
      const piece = word * 32 + lead;
      const own = rank[piece] ?? 0;
      candidates++;
      if (own > bestRank) continue;
      ties = own < bestRank ? 1 : ties + 1;
      if (ties > 1 && prng() * ties >= 1) continue;
      best = piece;
      bestRank = own;
    }
  }
  return best;
};
