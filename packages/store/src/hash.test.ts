import {
  defaultPieceLengthPolicy,
  leafLength,
  leafPrefix,
  merkleRoot,
  pieceSpan,
  type PieceLengthPolicy,
} from '@shoal/core';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { suite, test } from 'node:test';
import { sha256 } from './hash.ts';
import { PieceHasher } from './piece-hasher.ts';
import { contentOf } from './testing/content.ts';
import { TreeHasher } from './tree-hasher.ts';

const policy: PieceLengthPolicy = { piecesTarget: 4, lengthMin: leafLength, lengthMax: 4 * leafLength };

/** RFC 6962, section 2.1, written as the recursive definition over the whole input. */
const bruteForceRoot = (bytes: Uint8Array): Uint8Array => {
  const leaves = Math.ceil(bytes.length / leafLength);
  if (leaves === 0) return sha256();
  if (leaves === 1) return sha256(leafPrefix, bytes);
  const split = 2 ** Math.ceil(Math.log2(leaves) - 1) * leafLength;
  return sha256(Uint8Array.of(1), bruteForceRoot(bytes.subarray(0, split)), bruteForceRoot(bytes.subarray(split)));
};

const cutAt = (bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b);
  return at.slice(1).map((to, index) => bytes.subarray(at[index], to));
};

const anyContent = fc
  .tuple(
    fc.nat(1000),
    fc.oneof(
      fc.nat(3 * leafLength),
      fc.constantFrom(0, 1, leafLength - 1, leafLength, leafLength + 1, 7 * leafLength, 9 * leafLength + 5),
    ),
  )
  .map(([seed, length]) => contentOf(seed, length));
const anyCuts = fc.array(fc.nat(10 * leafLength), { maxLength: 12 });

suite('hashing', () => {
  test('sha256 gives the vectors of FIPS 180-4', () => {
    assert.equal(sha256().toHex(), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    const text = new TextEncoder().encode('abc');
    assert.equal(sha256(text).toHex(), abc);
    assert.equal(sha256(text.subarray(0, 1), text.subarray(1)).toHex(), abc);
  });

  test('whole leaves have the same hash whatever lies before them in memory', () => {
    for (const before of [0, 1, 255]) {
      for (const leaves of [1, 2, 3]) {
        const bytes = contentOf(7, leaves * leafLength);
        const memory = new Uint8Array(1 + bytes.length).fill(before);
        memory.set(bytes, 1);
        for (const cuts of [[], [leafLength], [leafLength + 1], [2 * leafLength, 2 * leafLength + 9]]) {
          const hasher = new PieceHasher();
          for (const chunk of cutAt(memory.subarray(1), cuts)) hasher.update(chunk);
          assert.equal(hasher.finish().toHex(), bruteForceRoot(bytes).toHex(), `${before} ${leaves} ${cuts.join()}`);
          assert.equal(Buffer.compare(memory.subarray(1), bytes), 0, 'the bytes are as they were');
          assert.equal(memory[0], before);
        }
      }
    }
  });

  test('one pass gives the digest, the root and the piece hashes, wherever the stream is cut', () => {
    fc.assert(
      fc.property(anyContent, anyCuts, (bytes, cuts) => {
        const hasher = new TreeHasher();
        for (const chunk of cutAt(bytes, cuts)) hasher.update(chunk);
        assert.equal(hasher.size, bytes.length);
        const { digest, metainfo } = hasher.finish(policy);
        assert.equal(digest, `sha256:${createHash('sha256').update(bytes).digest('hex')}`);
        assert.equal(metainfo.root.toHex(), bruteForceRoot(bytes).toHex());
        assert.equal(merkleRoot(metainfo.pieceHashes, sha256).toHex(), metainfo.root.toHex());
        for (const [index, expected] of metainfo.pieceHashes.entries()) {
          const { offset, length } = pieceSpan(bytes.length, metainfo.pieceLength, index);
          const piece = new PieceHasher();
          for (const chunk of cutAt(bytes.subarray(offset, offset + length), cuts)) piece.update(chunk);
          assert.equal(piece.finish().toHex(), expected.toHex());
        }
      }),
      { numRuns: 40 },
    );
  });

  test('an empty blob has no pieces', () => {
    const { digest, metainfo } = new TreeHasher().finish(defaultPieceLengthPolicy);
    assert.equal(digest, 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    assert.deepEqual({ size: metainfo.size, pieces: metainfo.pieceHashes.length }, { size: 0, pieces: 0 });
  });

  test('a changed byte changes its piece hash and the root', () => {
    const bytes = contentOf(1, 5 * leafLength);
    const before = new TreeHasher();
    before.update(bytes);
    bytes[leafLength] = (bytes[leafLength] ?? 0) ^ 1;
    const after = new TreeHasher();
    after.update(bytes);
    const [a, b] = [before.finish(policy).metainfo, after.finish(policy).metainfo];
    assert.notEqual(a.root.toHex(), b.root.toHex());
    const differing = a.pieceHashes.flatMap((hash, index) =>
      hash.toHex() === b.pieceHashes[index]?.toHex() ? [] : [index],
    );
    assert.deepEqual(differing, [Math.floor(leafLength / a.pieceLength)]);
  });
});
