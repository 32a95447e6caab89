import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type HashFunction,
  InvalidValueError,
  type SignedMetainfo,
  decodeMetainfo,
  encodeMetainfo,
  leafLength,
  merkleRoot,
  metainfoStatement,
  parseDigest,
  pieceCountOf,
  swarmIdOf,
  tagSwarmIdOf,
  parseRepositoryName,
  parseTag,
} from './index.ts';

const sha256: HashFunction = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

interface Vectors {
  encoded: Record<string, unknown>;
  statement: string;
  swarmId: string;
  tagSwarm: { repository: string; tag: string; swarmId: string };
}
const vectors = JSON.parse(
  readFileSync(new URL('../../../test/vectors/core/metainfo.json', import.meta.url), 'utf8'),
) as Vectors;

/** A metainfo that is consistent, of up to 20 pieces. */
const signed = fc
  .record({
    size: fc.integer({ min: 0, max: 20 * leafLength }),
    power: fc.integer({ min: 0, max: 4 }),
    seed: fc.nat(255),
    signatures: fc.array(fc.uint8Array({ minLength: 64, maxLength: 64 }), { maxLength: 3 }),
  })
  .map(({ size, power, seed, signatures }): SignedMetainfo => {
    const pieceLength = leafLength * 2 ** power;
    const pieceHashes = Array.from({ length: pieceCountOf(size, pieceLength) }, (_, index) =>
      sha256(Uint8Array.of(seed, index)),
    );
    return {
      metainfo: {
        digest: parseDigest(`sha256:${sha256(Uint8Array.of(seed)).toHex()}`),
        size,
        leafAlgorithm: 'sha256',
        root: merkleRoot(pieceHashes, sha256),
        pieceLength,
        pieceHashes,
      },
      signatures: signatures.map((bytes) => ({ keyId: bytes.subarray(0, 16).toHex(), signature: bytes.toBase64() })),
    };
  });

test('the vectors: encoding, statement and swarm ids', () => {
  const decoded = decodeMetainfo(utf8(JSON.stringify(vectors.encoded)), sha256);
  assert.deepEqual(JSON.parse(text(encodeMetainfo(decoded))), vectors.encoded);
  assert.equal(text(metainfoStatement(decoded.metainfo)), vectors.statement);
  const { digest, leafAlgorithm, pieceLength } = decoded.metainfo;
  assert.equal(swarmIdOf(digest, leafAlgorithm, pieceLength, sha256), vectors.swarmId);
  assert.notEqual(
    swarmIdOf(digest, leafAlgorithm, pieceLength * 2, sha256),
    vectors.swarmId,
    'another cutting is another swarm',
  );
  const { repository, tag, swarmId } = vectors.tagSwarm;
  assert.equal(tagSwarmIdOf(parseRepositoryName(repository), parseTag(tag), sha256), swarmId);
});

test('what is encoded is decoded again', () => {
  fc.assert(
    fc.property(signed, (value) => {
      const { metainfo, signatures } = decodeMetainfo(encodeMetainfo(value), sha256);
      assert.deepEqual(
        { ...metainfo, root: metainfo.root.toHex(), pieceHashes: metainfo.pieceHashes.map((hash) => hash.toHex()) },
        {
          ...value.metainfo,
          root: value.metainfo.root.toHex(),
          pieceHashes: value.metainfo.pieceHashes.map((hash) => hash.toHex()),
        },
      );
      assert.deepEqual(signatures, value.signatures);
    }),
  );
});

test('every field that is missing, of another type or inconsistent is refused by name', () => {
  const breaches: [string, unknown[]][] = [
    ['version', [0, 2, '1', null]],
    ['digest', ['sha256:abc', 5, null, ['sha256:abc']]],
    ['size', [-1, 1.5, '5', 2 ** 60, 1e9]],
    ['leafAlgorithm', ['md5', null, 1]],
    ['pieceLength', [0, 1, leafLength + 1, `${leafLength}`, [leafLength]]],
    ['root', ['', 'zz', 7, '00'.repeat(32)]],
    ['pieceHashes', ['', '*', 7, 'AAAA']],
    [
      'signatures',
      [
        null,
        {},
        [1],
        [{ keyId: 'x', signature: 'y' }],
        Array.from({ length: 17 }, () => ({ keyId: '0'.repeat(32), signature: `${'A'.repeat(86)}==` })),
      ],
    ],
  ];
  for (const [field, values] of breaches) {
    for (const value of [undefined, ...values]) {
      const bytes = utf8(JSON.stringify({ ...vectors.encoded, [field]: value }));
      assert.throws(() => decodeMetainfo(bytes, sha256), InvalidValueError, `${field} = ${JSON.stringify(value)}`);
    }
  }
});

test('a changed piece hash, size class or root never decodes', () => {
  fc.assert(
    fc.property(signed, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, where, flip) => {
      const { pieceHashes } = value.metainfo;
      fc.pre(pieceHashes.length > 0);
      const at = where % pieceHashes.length;
      const changed = pieceHashes[at]!.with(where % 32, pieceHashes[at]![where % 32]! ^ flip);
      const forged = { ...value, metainfo: { ...value.metainfo, pieceHashes: pieceHashes.with(at, changed) } };
      assert.throws(() => decodeMetainfo(encodeMetainfo(forged), sha256), InvalidValueError);
      const short = { ...value, metainfo: { ...value.metainfo, pieceHashes: pieceHashes.slice(1) } };
      assert.throws(() => decodeMetainfo(encodeMetainfo(short), sha256), InvalidValueError);
    }),
  );
});

test('any bytes decode or are refused as invalid, never otherwise', () => {
  const hostile = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.json().map(utf8),
    fc
      .dictionary(fc.constantFrom(...Object.keys(vectors.encoded)), fc.jsonValue())
      .map((value) => utf8(JSON.stringify({ ...vectors.encoded, ...value }))),
  );
  fc.assert(
    fc.property(hostile, (bytes) => {
      try {
        decodeMetainfo(bytes, sha256);
      } catch (error) {
        assert.ok(error instanceof InvalidValueError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});
