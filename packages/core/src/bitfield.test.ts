import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bitfield, InvalidValueError } from './index.ts';

interface Vectors {
  valid: { length: number; pieces: number[]; bytes: string }[];
  invalid: { length: number; bytes: string; why: string }[];
}
const vectors = JSON.parse(
  readFileSync(new URL('../../../test/vectors/core/bitfield.json', import.meta.url), 'utf8'),
) as Vectors;

test('the vectors', () => {
  for (const { length, pieces, bytes } of vectors.valid) {
    const field = new Bitfield(length);
    for (const piece of pieces) field.set(piece);
    assert.equal(field.toBytes().toHex(), bytes);
    const read = Bitfield.fromBytes(Uint8Array.fromHex(bytes), length);
    assert.deepEqual([read.count, read.complete], [pieces.length, pieces.length === length]);
    for (let piece = 0; piece < length; piece++) assert.equal(read.has(piece), pieces.includes(piece));
  }
  for (const { length, bytes, why } of vectors.invalid)
    assert.throws(() => Bitfield.fromBytes(Uint8Array.fromHex(bytes), length), InvalidValueError, why);
});

const operations = fc
  .integer({ min: 1, max: 70 })
  .chain((length) =>
    fc.tuple(fc.constant(length), fc.array(fc.tuple(fc.boolean(), fc.nat(length - 1)), { maxLength: 150 })),
  );

test('behaves as a set of pieces, over the wire and back', () => {
  fc.assert(
    fc.property(operations, fc.nat(70), ([length, steps], from) => {
      const field = new Bitfield(length);
      const model = new Set<number>();
      for (const [add, piece] of steps) {
        assert.equal(add ? field.set(piece) : field.clear(piece), add ? !model.has(piece) : model.has(piece));
        if (add) model.add(piece);
        else model.delete(piece);
      }
      const missing = Array.from({ length }, (_, piece) => piece).find((piece) => piece >= from && !model.has(piece));
      assert.equal(field.firstMissing(from), missing ?? length);
      for (const copy of [field, field.clone(), Bitfield.fromBytes(field.toBytes(), length)]) {
        assert.equal(copy.count, model.size);
        assert.equal(copy.complete, model.size === length);
        for (let piece = -2; piece < length + 20; piece++) assert.equal(copy.has(piece), model.has(piece));
      }
    }),
  );
});

test('a copy is its own', () => {
  const field = new Bitfield(9);
  const copy = field.clone();
  field.set(3);
  field.toBytes().fill(255);
  assert.deepEqual([copy.has(3), field.count], [false, 1]);
});

test('full has every piece; pieces outside the blob are never there and are refused', () => {
  for (const length of [0, 1, 8, 9, 2400]) assert.ok(Bitfield.full(length).complete);
  const field = new Bitfield(9);
  for (const piece of [-1, 9, 1.5, NaN, 2 ** 32, 2 ** 32 - 1]) {
    assert.throws(() => field.set(piece), InvalidValueError);
    assert.equal(field.clear(piece), false);
    assert.equal(Bitfield.full(9).has(piece) && Number.isInteger(piece), false);
  }
});
