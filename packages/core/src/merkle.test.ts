import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type HashFunction,
  leafPrefix,
  merkleRoot,
  pieceHashesOf,
  pieceCountOf,
  pieceLengthFor,
  pieceSpan,
  parsePieceLength,
  InvalidValueError,
  defaultPieceLengthPolicy,
  leafLength,
} from './index.ts';

const sha256: HashFunction = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const vectors = JSON.parse(
  readFileSync(new URL('../../../test/vectors/core/merkle.json', import.meta.url), 'utf8'),
) as { leaves: string[]; roots: string[]; emptyRoot: string };

/** RFC 6962, section 2.1, word for word over the data of the leaves. */
const rfc6962 = (data: readonly Uint8Array[]): Uint8Array => {
  if (data.length === 0) return sha256();
  if (data.length === 1) return sha256(Uint8Array.of(0), data[0]!);
  const split = 2 ** Math.ceil(Math.log2(data.length) - 1);
  return sha256(Uint8Array.of(1), rfc6962(data.slice(0, split)), rfc6962(data.slice(split)));
};

test('the vectors of Certificate Transparency', () => {
  const leaves = vectors.leaves.map((hex) => sha256(leafPrefix, Uint8Array.fromHex(hex)));
  assert.equal(merkleRoot([], sha256).toHex(), vectors.emptyRoot);
  for (const [index, root] of vectors.roots.entries())
    assert.equal(merkleRoot(leaves.slice(0, index + 1), sha256).toHex(), root);
});

test('equals the definition for any number of leaves', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 70 }), (data) => {
      const leaves = data.map((bytes) => sha256(leafPrefix, bytes));
      assert.equal(merkleRoot(leaves, sha256).toHex(), rfc6962(data).toHex());
    }),
  );
});

test('the root over piece hashes is the root over leaves, for every piece length', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 8 }), (count, power) => {
      const leaves = Array.from({ length: count }, (_, index) => sha256(Uint8Array.of(index, index >> 8)));
      const pieces = pieceHashesOf(leaves, 2 ** power, sha256);
      assert.equal(pieces.length, Math.ceil(count / 2 ** power));
      assert.equal(merkleRoot(pieces, sha256).toHex(), merkleRoot(leaves, sha256).toHex());
    }),
  );
});

test('a changed, swapped or missing leaf changes the root', () => {
  const leaves = Array.from({ length: 9 }, (_, index) => sha256(Uint8Array.of(index)));
  const root = merkleRoot(leaves, sha256).toHex();
  for (let index = 0; index < 9; index++) {
    assert.notEqual(merkleRoot(leaves.with(index, sha256(Uint8Array.of(99))), sha256).toHex(), root);
    assert.notEqual(merkleRoot(leaves.toSpliced(index, 1), sha256).toHex(), root);
    if (index > 0)
      assert.notEqual(
        merkleRoot(leaves.with(index, leaves[index - 1]!).with(index - 1, leaves[index]!), sha256).toHex(),
        root,
      );
  }
});

test('the pieces of a blob cover it without gap or overlap', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 36 }), (size) => {
      const length = pieceLengthFor(size);
      const count = pieceCountOf(size, length);
      assert.equal(parsePieceLength(length), length);
      assert.ok(count <= 2400 || length === defaultPieceLengthPolicy.lengthMax);
      if (length > leafLength) assert.ok(pieceCountOf(size, length / 2) > 2400, 'the smallest length that will do');
      let end = 0;
      for (const index of [0, 1, count - 2, count - 1].filter((each) => each >= 0 && each < count)) {
        const span = pieceSpan(size, length, index);
        assert.equal(span.offset, index * length);
        assert.ok(span.length > 0 && span.length <= length);
        end = span.offset + span.length;
      }
      assert.equal(end, size);
    }),
  );
});

test('the piece lengths of the design card', () => {
  const MiB = 2 ** 20;
  assert.deepEqual(
    [5e9, 1e9, 1e8, 1e11].map((size) => pieceLengthFor(size) / MiB),
    [2, 0.5, 0.25, 32],
  );
});

test('a piece length is a power of two from 256 KiB to 1 GiB', () => {
  for (const length of [0, -1, 1, leafLength - 1, leafLength * 3, leafLength * 8192, NaN, Infinity])
    assert.throws(() => parsePieceLength(length), InvalidValueError);
  for (const length of [leafLength, leafLength * 2, 2 ** 30]) assert.equal(parsePieceLength(length), length);
});
