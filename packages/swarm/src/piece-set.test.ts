import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield, seededPrng } from '@shoal/core';
import fc from 'fast-check';
import { PieceSet, countCommon, pickLowest } from './piece-set.ts';

const setOf = (length: number, pieces: Iterable<number>): PieceSet => {
  const set = new PieceSet(length);
  for (const piece of pieces) set.add(piece);
  return set;
};
const lengthAndSets = fc
  .integer({ min: 1, max: 200 })
  .chain((length) => fc.tuple(fc.constant(length), fc.array(fc.nat(length - 1)), fc.array(fc.nat(length - 1))));

test('behaves as a set of numbers, and as the bitfield it is made from', () => {
  fc.assert(
    fc.property(lengthAndSets, ([length, added, deleted]) => {
      const set = setOf(length, added);
      const model = new Set(added);
      for (const piece of deleted) assert.equal(set.delete(piece), model.delete(piece));
      assert.deepEqual(
        [...set],
        [...model].toSorted((a, b) => a - b),
      );
      assert.equal(set.count, model.size);
      assert.deepEqual(
        Array.from({ length: model.size + 1 }, (_, nth) => set.nth(nth)),
        [...set, undefined],
      );
      const field = new Bitfield(length);
      for (const piece of model) field.set(piece);
      assert.deepEqual([...PieceSet.from(field, length)], [...set]);
      assert.equal(PieceSet.from(field, length).count, model.size);
    }),
  );
});

test('pieces outside the blob never get in, a bitfield of another length is refused', () => {
  const set = new PieceSet(33);
  assert.deepEqual([set.add(-1), set.add(33), set.add(32), set.count], [false, false, true, 1]);
  assert.throws(() => PieceSet.from(new Bitfield(8), 9), RangeError);
});

test('the piece picked is in both sets and of the lowest rank', () => {
  fc.assert(
    fc.property(lengthAndSets, fc.integer(), ([length, a, b], seed) => {
      const both = new Set(a).intersection(new Set(b));
      const rank = Uint16Array.from({ length }, (_, piece) => (piece * 7) % 5);
      const picked = pickLowest(setOf(length, a), setOf(length, b), rank, seededPrng(seed));
      assert.equal(countCommon(setOf(length, a), setOf(length, b)), both.size);
      if (picked === undefined) assert.equal(both.size, 0);
      else {
        assert.ok(both.has(picked));
        assert.equal(rank[picked], Math.min(...Array.from(both, (piece) => rank[piece]!)));
      }
    }),
  );
});

test('ties are broken at random: every candidate is picked about equally often', () => {
  const set = setOf(64, [1, 2, 3, 40, 63]);
  const counts = new Map<number, number>();
  const prng = seededPrng(1);
  for (let round = 0; round < 5000; round++) {
    const picked = pickLowest(set, set, new Uint16Array(64), prng) ?? -1;
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  assert.equal(counts.size, 5);
  for (const [piece, count] of counts) assert.ok(count > 800 && count < 1200, `${piece}: ${count}`);
});
