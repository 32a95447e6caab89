import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  InvalidValueError,
  OciError,
  digestAlgorithm,
  digestHex,
  digestOf,
  formatAddress,
  isLoopbackHost,
  isTag,
  parseAddress,
  parseDigest,
  parseManifestReference,
  parsePeerId,
  parseRepositoryName,
  parseSwarmId,
  parseTag,
} from './index.ts';

interface Names {
  digest: { valid: string[]; invalid: string[] };
  repository: { valid: string[]; invalid: string[] };
  tag: { valid: string[]; invalid: string[] };
  address: { valid: { raw: string; host: string; port: number }[]; invalid: string[] };
  loopback: { yes: string[]; no: string[] };
}
const vectors = JSON.parse(
  readFileSync(new URL('../../../test/vectors/core/names.json', import.meta.url), 'utf8'),
) as Names;

const refused = (code: string) => (error: unknown) =>
  error instanceof OciError && error.code === code && error.message.length < 500;

test('digests: the vectors', () => {
  for (const raw of vectors.digest.valid) assert.equal(parseDigest(raw), raw);
  for (const raw of vectors.digest.invalid) assert.throws(() => parseDigest(raw), refused('DIGEST_INVALID'), raw);
});

test('a digest is taken apart and put together again', () => {
  const hash = (bytes: number) => fc.uint8Array({ minLength: bytes, maxLength: bytes });
  fc.assert(
    fc.property(
      fc.oneof(fc.tuple(fc.constant('sha256' as const), hash(32)), fc.tuple(fc.constant('sha512' as const), hash(64))),
      ([algorithm, bytes]) => {
        const digest = digestOf(algorithm, bytes);
        assert.equal(parseDigest(digest), digest);
        assert.equal(digestAlgorithm(digest), algorithm);
        assert.equal(digestHex(digest), bytes.toHex());
        assert.throws(() => digestOf(algorithm, bytes.subarray(1)), refused('DIGEST_INVALID'));
      },
    ),
  );
});

test('repository names and tags: the vectors', () => {
  for (const raw of vectors.repository.valid) assert.equal(parseRepositoryName(raw), raw);
  for (const raw of vectors.repository.invalid)
    assert.throws(() => parseRepositoryName(raw), refused('NAME_INVALID'), raw);
  for (const raw of vectors.tag.valid) assert.equal(parseTag(raw), raw);
  for (const raw of vectors.tag.invalid) assert.throws(() => parseTag(raw), refused('MANIFEST_INVALID'), raw);
});

test('a repository name is a harmless relative path of at most 255 characters, whatever was given', () => {
  const characters = fc.string({
    unit: fc.constantFrom('a', 'z', '0', '/', '.', '..', '_', '-', 'A', '%', '\\', '\0', '\n'),
    maxLength: 300,
  });
  fc.assert(
    fc.property(characters, (raw) => {
      try {
        const parts = parseRepositoryName(raw).split('/');
        assert.ok(raw.length <= 255 && parts.every((part) => /^[a-z0-9]/.test(part) && !part.includes('..')));
      } catch (error) {
        assert.ok(error instanceof OciError && error.code === 'NAME_INVALID');
      }
    }),
  );
  assert.equal(parseRepositoryName('a'.repeat(255)).length, 255);
  assert.throws(() => parseRepositoryName('a'.repeat(256)), refused('NAME_INVALID'));
});

test('long hostile names are refused in linear time', () => {
  for (const raw of ['a-'.repeat(50_000), `${'a_'.repeat(50_000)}!`, 'a'.repeat(100_000)]) {
    assert.throws(() => parseRepositoryName(raw));
    assert.throws(() => parseTag(raw));
    assert.throws(() => parseAddress(raw));
    assert.throws(() => parseDigest(raw));
  }
});

test('a manifest reference is a digest when it has a colon, else a tag', () => {
  const digest = vectors.digest.valid[0]!;
  assert.deepEqual(parseManifestReference(digest), { kind: 'digest', digest });
  assert.deepEqual(parseManifestReference('v1'), { kind: 'tag', tag: 'v1' });
  assert.throws(() => parseManifestReference('sha256:abc'), refused('DIGEST_INVALID'));
  assert.throws(() => parseManifestReference('-x'), refused('MANIFEST_INVALID'));
  fc.assert(fc.property(fc.string(), (raw) => isTag(raw) === /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/u.test(raw)));
});

test('addresses: the vectors, and back', () => {
  for (const { raw, host, port } of vectors.address.valid) {
    assert.deepEqual(parseAddress(raw), { host, port });
    assert.equal(formatAddress({ host, port }), raw);
  }
  for (const raw of vectors.address.invalid)
    assert.throws(
      () => parseAddress(raw, 'listen'),
      (error: unknown) => error instanceof InvalidValueError && error.message.startsWith('listen: '),
      raw,
    );
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), fc.integer({ min: 1, max: 65_535 }), (host, port) => {
      assert.deepEqual(parseAddress(formatAddress({ host, port })), { host, port });
    }),
  );
});

test('loopback hosts: the vectors', () => {
  for (const host of vectors.loopback.yes) assert.equal(isLoopbackHost(host), true, host);
  for (const host of vectors.loopback.no) assert.equal(isLoopbackHost(host), false, host);
});

test('peer and swarm ids have exactly their length in lower-case hex', () => {
  assert.equal(parsePeerId('0a'.repeat(20)), '0a'.repeat(20));
  assert.equal(parseSwarmId('0a'.repeat(32)), '0a'.repeat(32));
  for (const raw of ['', '0A'.repeat(20), '0a'.repeat(19), `${'0a'.repeat(20)}\n`, 'zz'.repeat(20)])
    assert.throws(() => parsePeerId(raw), InvalidValueError);
  assert.throws(() => parseSwarmId('0a'.repeat(20)), InvalidValueError);
});
