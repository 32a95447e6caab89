/** A source of numbers in [0, 1); the pure packages take one instead of calling Math.random. */
export type Prng = () => number;

/** A small seeded generator (mulberry32): the same seed gives the same world. Not for secrets. */
export const seededPrng = (seed: number): Prng => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

/** A whole number from 0 to below - 1. */
export const randomBelow = (prng: Prng, below: number): number => Math.floor(prng() * below);
