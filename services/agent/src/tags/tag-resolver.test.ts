import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeTagRecord, parseDigest, parseRepositoryName, parseTag, type SignedTagRecord } from '@shoal/core';
import type { OriginAnswer } from '../origin/answer.ts';
import type { TagAnswer } from '../origin/origin-client.ts';
import { TagBook, type TagRecordStore } from './tag-book.ts';
import { type TagEvents, TagResolver } from './tag-resolver.ts';

const repository = parseRepositoryName('team/app');
const tag = parseTag('v1');
const good = { keyId: '0'.repeat(32), signature: `${'A'.repeat(86)}==` };

const signed = (version: number, digit = 'a', signatures = [good], name = 'v1'): SignedTagRecord => ({
  record: {
    repository,
    tag: parseTag(name),
    digest: parseDigest(`sha256:${digit.repeat(64)}`),
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    size: 10,
    version,
    timeMs: version,
  },
  signatures,
});

const memoryStore = (): TagRecordStore => {
  const records = new Map<string, Uint8Array>();
  return {
    tagRecord: (name, of) => records.get(`${name}:${of}`),
    putTagRecord: (name, of, bytes) => void records.set(`${name}:${of}`, bytes),
  };
};

/** A resolver whose origin and peers answer what the test sets. */
const world = () => {
  const log: string[] = [];
  const state = {
    origin: { kind: 'unreachable', reason: 'connection refused' } as OriginAnswer<TagAnswer>,
    peers: [] as SignedTagRecord[],
    log,
  };
  const events: TagEvents = {
    tagRefused: (_repository, _tag, from, verdict) => void log.push(`refused ${from} ${verdict}`),
    tagStale: () => void log.push('stale'),
    tagKept: ({ record }) => void log.push(`kept ${record.version}`),
    tagForgotten: () => void log.push('forgotten'),
  };
  const book = new TagBook({
    store: memoryStore(),
    verify: (_statement, signatures) => signatures.some(({ keyId }) => keyId === good.keyId),
  });
  const sources = { askOrigins: async () => state.origin, askPeers: async () => state.peers.map(encodeTagRecord) };
  return { state, resolver: new TagResolver({ book, sources, events }) };
};

const found = (record: SignedTagRecord, stale = false): OriginAnswer<TagAnswer> => ({
  kind: 'found',
  value: { bytes: encodeTagRecord(record), stale },
  origin: 'o1',
});

test('the origin is asked on every request, so a re-pushed tag is seen by the next one', async () => {
  const { state, resolver } = world();
  state.origin = found(signed(1, 'a'));
  assert.equal((await resolver.resolve(repository, tag)).signed.record.digest, signed(1, 'a').record.digest);
  state.origin = found(signed(2, 'b'));
  const next = await resolver.resolve(repository, tag);
  assert.equal(next.signed.record.digest, signed(2, 'b').record.digest);
  assert.equal(next.staleBecause, undefined);
});

test('a record older than the known one is refused, from an origin and from peers', async () => {
  const { state, resolver } = world();
  state.origin = found(signed(5, 'b'));
  await resolver.resolve(repository, tag);
  state.origin = found(signed(4, 'a'));
  state.peers = [signed(3, 'a')];
  const answer = await resolver.resolve(repository, tag);
  assert.equal(answer.signed.record.version, 5);
  assert.match(answer.staleBecause ?? '', /rollback/);
  assert.deepEqual(
    state.log.filter((line) => line.startsWith('refused')),
    ['refused origin rollback', 'refused peer rollback'],
  );
});

test('with no origin the highest verified version of own and peers wins and is marked stale', async () => {
  const { state, resolver } = world();
  const forged = signed(9, 'f', [{ ...good, keyId: 'f'.repeat(32) }]);
  state.peers = [signed(2, 'a'), forged, signed(4, 'c'), signed(8, 'e', [good], 'other'), signed(3, 'b')];
  const answer = await resolver.resolve(repository, tag);
  assert.equal(answer.signed.record.version, 4);
  assert.equal(answer.staleBecause, 'connection refused');
  state.peers = [];
  assert.equal((await resolver.resolve(repository, tag)).signed.record.version, 4, 'kept for when no peer answers');
});

test('with no origin and no record anywhere the answer is 503, not a hang and not 404', async () => {
  const { resolver } = world();
  await assert.rejects(resolver.resolve(repository, tag), { status: 503, code: 'UNAVAILABLE' });
});

test('a tag that a reachable origin does not know is 404 and is not resurrected by peers', async () => {
  const { state, resolver } = world();
  state.origin = found(signed(7));
  await resolver.resolve(repository, tag);
  state.origin = { kind: 'absent' };
  state.peers = [signed(7)];
  await assert.rejects(resolver.resolve(repository, tag), { status: 404, code: 'MANIFEST_UNKNOWN' });
  assert.ok(state.log.includes('forgotten'));
  state.origin = { kind: 'unreachable', reason: 'down' };
  await assert.rejects(resolver.resolve(repository, tag), { status: 503 });
});

test('concurrent requests share one revalidation in flight and one next', async () => {
  let asked = 0;
  const gate = Promise.withResolvers<void>();
  const sources = {
    askOrigins: async () => {
      asked++;
      await gate.promise;
      return found(signed(1));
    },
    askPeers: async () => [],
  };
  const events: TagEvents = { tagRefused: () => {}, tagStale: () => {}, tagKept: () => {}, tagForgotten: () => {} };
  const resolver = new TagResolver({
    book: new TagBook({ store: memoryStore(), verify: () => true }),
    sources,
    events,
  });
  const requests = Array.from({ length: 30 }, () => resolver.resolve(repository, tag));
  gate.resolve();
  await Promise.all(requests);
  assert.equal(asked, 2);
});
