/** 53 uniform bits of a text, as a whole number: what a double holds exactly. */
export type KeyHash = (text: string) => number;

/**
 * 64 bits in two 32-bit lanes, FNV-1a in each with its own offset, finished crosswise by the mixers of MurmurHash3; the
 * upper 53 are returned. Not for secrets: whoever chooses the keys can choose their owner.
 * Source: draft-eastlake-fnv; MurmurHash3 fmix32 (A. Appleby).
 */
export const keyHash: KeyHash = (text) => {
  let low = 0x811c_9dc5;
  let high = 0xcbf2_9ce4;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 0x0100_0193);
    high = Math.imul(high ^ unit, 0x5bd1_e995) ^ (high >>> 15);
  }
  const a = mix(low ^ Math.imul(high, 0x9e37_79b1) ^ text.length);
  const b = mix(high ^ Math.imul(a, 0x85eb_ca77));
  return b * 0x20_0000 + (a >>> 11);
};

const mix = (value: number): number => {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
};
