import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededPrng } from '@shoal/core';
import fc from 'fast-check';
import { PieceSet } from './piece-set.ts';
import { SpreadIndex } from './spread-index.ts';

const setOf = (pieceCount: number, pieces: readonly number[]): PieceSet => {
  const set = new PieceSet(pieceCount);
  for (const piece of pieces) set.add(piece);
  return set;
};

test('the lowest piece outside a set is what a look at every piece finds, whatever was moved before', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 130 }),
      fc.array(fc.tuple(fc.nat(140), fc.nat(200)), { maxLength: 300 }),
      fc.array(fc.nat(140), { maxLength: 140 }),
      (pieceCount, moves, excluded) => {
        const index = new SpreadIndex(pieceCount);
        const ranks = new Map<number, number>();
        for (const [piece, rank] of moves) {
          index.set(piece, rank);
          if (piece < pieceCount) ranks.set(piece, Math.min(rank, 63));
        }
        const without = setOf(pieceCount, excluded);
        const left = [...ranks].filter(([piece]) => !without.has(piece));
        const lowest = Math.min(...left.map(([, rank]) => rank));
        const found = index.lowest(without, seededPrng(moves.length));
        assert.equal(found === undefined, left.length === 0);
        if (found !== undefined) assert.equal(ranks.get(found), lowest);
        for (let piece = 0; piece < pieceCount; piece++) assert.equal(index.has(piece), ranks.has(piece));
      },
    ),
  );
});

test('of equal pieces each is found as often as the others', () => {
  const index = new SpreadIndex(70);
  for (const piece of [0, 31, 32, 64, 69]) index.set(piece, 2);
  for (const piece of [1, 2, 3]) index.set(piece, 4);
  const prng = seededPrng(5);
  const counts = new Map<number, number>();
  for (let draw = 0; draw < 4000; draw++) {
    const piece = index.lowest(setOf(70, [32]), prng)!;
    counts.set(piece, (counts.get(piece) ?? 0) + 1);
  }
  assert.deepEqual(
    [...counts.keys()].toSorted((a, b) => a - b),
    [0, 31, 64, 69],
  );
  for (const count of counts.values()) assert.ok(count > 850 && count < 1150, `${count} of 4000`);
});
