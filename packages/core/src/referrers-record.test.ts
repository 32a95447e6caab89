import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeReferrersRecord,
  encodeReferrersRecord,
  parseDigest,
  parseRepositoryName,
  referrersKey,
  referrersStatement,
  referrersTag,
  ShoalError,
  type SignedReferrersRecord,
} from './index.ts';

const signed = fc
  .record({
    repository: fc.stringMatching(/^[a-z0-9]{1,8}(\/[a-z0-9]{1,8})?$/),
    hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    index: fc.string(),
    timeMs: fc.maxSafeNat(),
  })
  .map(({ repository, hash, index, timeMs }): SignedReferrersRecord => ({
    record: {
      repository: parseRepositoryName(repository),
      subject: parseDigest(`sha256:${hash.toHex()}`),
      index,
      timeMs,
    },
    signatures: [{ keyId: '0'.repeat(32), signature: `${'A'.repeat(86)}==` }],
  }));

test('what is encoded is decoded again, and records that differ have statements that differ', () => {
  fc.assert(
    fc.property(signed, signed, (a, b) => {
      assert.deepEqual(decodeReferrersRecord(encodeReferrersRecord(a)), a);
      const [one, other] = [a, b].map(({ record }) => referrersStatement(record).toHex());
      assert.equal(one === other, JSON.stringify(a.record) === JSON.stringify(b.record));
    }),
  );
});

test('anything else is refused with a code', () => {
  const [example] = fc.sample(signed, 1);
  const good = JSON.parse(new TextDecoder().decode(encodeReferrersRecord(example!))) as object;
  for (const change of [
    { formatVersion: 2 },
    { repository: 'A' },
    { repository: 5 },
    { subject: 'sha256:x' },
    { subject: undefined },
    { index: {} },
    { timeMs: -1 },
    { timeMs: '5' },
    { signatures: [{}] },
  ])
    assert.throws(
      () => decodeReferrersRecord(new TextEncoder().encode(JSON.stringify({ ...good, ...change }))),
      ShoalError,
      JSON.stringify(change),
    );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        fc.json().map((text) => new TextEncoder().encode(text)),
      ),
      (bytes) => {
        assert.throws(() => decodeReferrersRecord(bytes), ShoalError);
      },
    ),
  );
});

test('the names of a subject: tags, also for a long digest', () => {
  const long = parseDigest(`sha512:${'ab'.repeat(64)}`);
  assert.equal(referrersTag(long), `sha512-${'ab'.repeat(32)}`);
  assert.equal(referrersKey(long), `referrers.sha512-${'ab'.repeat(32)}`);
});
