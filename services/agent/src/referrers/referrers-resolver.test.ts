import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  encodeReferrersRecord,
  parseDigest,
  parseRepositoryName,
  referrersKey,
  type SignedReferrersRecord,
} from '@shoal/core';
import type { OriginAnswer } from '../origin/answer.ts';
import type { TagAnswer } from '../origin/origin-client.ts';
import { ReferrersBook } from './referrers-book.ts';
import { ReferrersResolver } from './referrers-resolver.ts';

const repository = parseRepositoryName('team/app');
const subject = parseDigest(`sha256:${'a'.repeat(64)}`);
const good = { keyId: '0'.repeat(32), signature: `${'A'.repeat(86)}==` };
const bad = { ...good, keyId: '1'.repeat(32) };

const record = (timeMs: number, signature = good, name = repository): SignedReferrersRecord => ({
  record: { repository: name, subject, index: JSON.stringify({ manifests: [{ timeMs }] }), timeMs },
  signatures: [signature],
});

const found = (signed: SignedReferrersRecord, stale = false): OriginAnswer<TagAnswer> => ({
  kind: 'found',
  value: { bytes: encodeReferrersRecord(signed), stale },
  origin: 'o1',
});

const world = () => {
  const kept = new Map<string, Uint8Array>();
  const state = {
    origin: { kind: 'unreachable', reason: 'connection refused' } as OriginAnswer<TagAnswer>,
    peers: [] as SignedReferrersRecord[],
    registry: undefined as unknown[] | undefined,
    log: [] as string[],
  };
  const book = new ReferrersBook({
    store: {
      tagRecord: (name, key) => kept.get(`${name}:${key}`),
      putTagRecord: (name, key, bytes) => void kept.set(`${name}:${key}`, bytes),
    },
    verify: (_statement, signatures) => signatures.some(({ keyId }) => keyId === good.keyId),
  });
  const resolver = new ReferrersResolver({
    book,
    sources: {
      askOrigins: async () => state.origin,
      askPeers: async () => state.peers.map(encodeReferrersRecord),
      askRegistry: async () => state.registry,
    },
    events: {
      referrersKept: ({ record: { timeMs } }) => void state.log.push(`kept ${timeMs}`),
      referrersStale: () => void state.log.push('stale'),
      referrersRefused: (_repository, _subject, from) => void state.log.push(`refused ${from}`),
    },
  });
  const ask = async () => {
    const { manifests, headers } = await resolver.resolve(repository, subject);
    return [manifests, headers?.['warning']?.slice(0, 3)];
  };
  return { state, book, ask };
};

test('an origin is asked at every request, and what it said is served marked as stale when none answers', async () => {
  const { state, ask } = world();
  for (const timeMs of [1, 2]) {
    state.origin = found(record(timeMs));
    assert.deepEqual(await ask(), [[{ timeMs }], undefined]);
  }
  state.origin = { kind: 'unreachable', reason: 'down' };
  assert.deepEqual(await ask(), [[{ timeMs: 2 }], '110']);
  assert.deepEqual(state.log, ['kept 1', 'kept 2', 'kept 2', 'stale']);
});

test('with no origin the newest record that is signed counts, whoever brings it', async () => {
  const { state, ask } = world();
  state.peers = [record(3), record(9, bad), record(7), record(8, good, parseRepositoryName('team/other'))];
  assert.deepEqual(await ask(), [[{ timeMs: 7 }], '110']);
  assert.deepEqual(
    state.log.filter((line) => line === 'refused peer'),
    ['refused peer', 'refused peer'],
  );
  state.peers = [record(5)];
  assert.deepEqual(await ask(), [[{ timeMs: 7 }], '110'], 'an older one changes nothing');
});

test('the registry itself is asked before records that may be old', async () => {
  const { state, ask } = world();
  state.peers = [record(3)];
  state.registry = [{ of: 'the registry' }];
  assert.deepEqual(await ask(), [state.registry, '111']);
});

test('nobody is told that there is nothing where nobody knows', async () => {
  const { state, ask } = world();
  await assert.rejects(ask(), { code: 'UNAVAILABLE', status: 503 });
  state.origin = found(record(1, bad));
  await assert.rejects(ask(), { code: 'UNAVAILABLE', status: 503 });
  assert.deepEqual(state.log, ['refused origin']);
  state.origin = { kind: 'absent' };
  await assert.rejects(ask(), { code: 'NAME_UNKNOWN', status: 404 });
});

test('a record that an origin gives for want of a better one does not hide a newer one', async () => {
  const { state, ask } = world();
  state.origin = found(record(5));
  await ask();
  state.origin = found(record(4), true);
  assert.deepEqual(await ask(), [[{ timeMs: 5 }], '110']);
});

test('what is too long to be kept is answered all the same, and its name says nothing of anything else', async () => {
  const { state, book, ask } = world();
  const long = record(1);
  const index = JSON.stringify({ manifests: ['x'.repeat(70_000)] });
  state.origin = found({ ...long, record: { ...long.record, index } });
  assert.equal((await ask())[0]?.length, 1);
  assert.equal(book.known(repository, subject), undefined);
  state.origin = found(record(2));
  await ask();
  assert.ok(book.knownUnder(repository, referrersKey(subject)));
  assert.equal(book.knownUnder(repository, referrersKey(parseDigest(`sha256:${'b'.repeat(64)}`))), undefined);
});
