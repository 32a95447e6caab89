import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  ShoalError,
  type SignedTagRecord,
  decodeTagRecord,
  encodeTagRecord,
  parseDigest,
  parseRepositoryName,
  parseTag,
  tagStatement,
} from './index.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const vectors = JSON.parse(
  readFileSync(new URL('../../../test/vectors/core/tag-record.json', import.meta.url), 'utf8'),
) as { encoded: Record<string, unknown>; statement: string };

const signed = fc
  .record({
    repository: fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8})?$/),
    tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/),
    hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    mediaType: fc.stringMatching(/^[\x21-\x7e]{1,60}$/),
    size: fc.maxSafeNat(),
    version: fc.maxSafeNat(),
    timeMs: fc.maxSafeNat(),
    signatures: fc.array(fc.uint8Array({ minLength: 64, maxLength: 64 }), { maxLength: 3 }),
  })
  .map(({ repository, tag, hash, mediaType, size, version, timeMs, signatures }): SignedTagRecord => ({
    record: {
      repository: parseRepositoryName(repository),
      tag: parseTag(tag),
      digest: parseDigest(`sha256:${hash.toHex()}`),
      mediaType,
      size,
      version,
      timeMs,
    },
    signatures: signatures.map((bytes) => ({ keyId: bytes.subarray(0, 16).toHex(), signature: bytes.toBase64() })),
  }));

test('the vectors: encoding and statement', () => {
  const decoded = decodeTagRecord(utf8(JSON.stringify(vectors.encoded)));
  assert.deepEqual(JSON.parse(text(encodeTagRecord(decoded))), vectors.encoded);
  assert.equal(text(tagStatement(decoded.record)), vectors.statement);
});

test('what is encoded is decoded again', () => {
  fc.assert(fc.property(signed, (value) => assert.deepEqual(decodeTagRecord(encodeTagRecord(value)), value)));
});

test('two records that differ have statements that differ', () => {
  fc.assert(
    fc.property(signed, signed, (a, b) => {
      const same = JSON.stringify(a.record) === JSON.stringify(b.record);
      assert.equal(text(tagStatement(a.record)) === text(tagStatement(b.record)), same);
    }),
  );
});

test('every field that is missing or malformed is refused', () => {
  const breaches: [string, unknown[]][] = [
    ['formatVersion', [0, 2, '1']],
    ['repository', ['', 'A', '../x', 5, ['a']]],
    ['tag', ['', '-a', 5, ['a']]],
    ['digest', ['sha256:x', 5, [vectors.encoded['digest']]]],
    ['mediaType', ['', 'a b', 'a\nb', 'x'.repeat(256), ['a/b'], 5]],
    ['size', [-1, 0.5, '1', 2 ** 60]],
    ['version', [-1, null]],
    ['timeMs', [-1, '0']],
    ['signatures', [null, {}, [{}]]],
  ];
  for (const [field, values] of breaches) {
    for (const value of [undefined, ...values]) {
      assert.throws(
        () => decodeTagRecord(utf8(JSON.stringify({ ...vectors.encoded, [field]: value }))),
        ShoalError,
        `${field} = ${JSON.stringify(value)}`,
      );
    }
  }
});

test('any bytes decode or are refused with a code, never otherwise', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.json().map(utf8)), (bytes) => {
      assert.throws(() => decodeTagRecord(bytes), ShoalError);
    }),
    { numRuns: 300 },
  );
});
