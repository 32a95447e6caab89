import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, parseDigest, type SignedMetainfo } from '@shoal/core';
import type { OriginAnswer } from '../origin/answer.ts';
import { MetainfoSource } from './metainfo-source.ts';

const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
const good = { metainfo: { digest, size: 1 } } as unknown as SignedMetainfo;

/** Metainfo is trusted when its bytes say so. */
const world = (o: { origin: OriginAnswer<Uint8Array>; peer?: string }) => {
  const asked: Digest[] = [];
  const source = new MetainfoSource({
    askOrigins: async (name) => {
      asked.push(name);
      return o.origin;
    },
    trusted: async (_digest, bytes) => (Buffer.from(bytes).toString() === 'signed' ? good : undefined),
    peers: {
      first: async (_query, _where, accept) => (o.peer === undefined ? undefined : accept(Buffer.from(o.peer))),
    },
    cached: () => undefined,
  });
  return { source, asked };
};
const found = (text: string): OriginAnswer<Uint8Array> => ({ kind: 'found', value: Buffer.from(text), origin: 'o' });
const down: OriginAnswer<Uint8Array> = { kind: 'unreachable', reason: 'down' };

test('an origin is asked once for all who want it, and not again', async () => {
  const { source, asked } = world({ origin: found('signed') });
  await Promise.all(Array.from({ length: 10 }, () => source.get(digest, 'r')));
  assert.equal(await source.get(digest, 'r'), good);
  assert.equal(asked.length, 1);
  assert.equal(source.known(digest), good);
});

test("with the origins down, or with one that nobody trusts, a peer's signed copy does", async () => {
  assert.equal(await world({ origin: down, peer: 'signed' }).source.get(digest, 'r'), good);
  assert.equal(await world({ origin: found('forged'), peer: 'signed' }).source.get(digest, 'r'), good);
});

test('a forged copy is none; what the origin does not know is 404 and peers are not asked', async () => {
  await assert.rejects(world({ origin: down, peer: 'forged' }).source.get(digest, 'r'), { status: 503 });
  await assert.rejects(world({ origin: found('forged') }).source.get(digest, 'r'), /not signed by a trusted key/);
  await assert.rejects(world({ origin: { kind: 'absent' }, peer: 'signed' }).source.get(digest, 'r'), {
    code: 'BLOB_UNKNOWN',
  });
});

test('prefetching fills the memory and keeps failures to itself', async () => {
  const { source, asked } = world({ origin: found('signed') });
  await source.prefetch([digest], 'r');
  assert.equal(source.known(digest), good);
  await source.prefetch([digest], 'r');
  assert.equal(asked.length, 1);
  await world({ origin: down }).source.prefetch([digest], 'r');
});

test('a repository that does not have the blob does not answer for one that has', async () => {
  const source = new MetainfoSource({
    askOrigins: async (_digest, repository) => (repository === 'has' ? found('signed') : { kind: 'absent' }),
    trusted: async () => good,
    peers: { first: async () => undefined },
    cached: () => undefined,
  });
  const answers = await Promise.allSettled([source.get(digest, 'has-not'), source.get(digest, 'has')]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
});

test('while an origin that may have it is down the word of another is not final', async () => {
  const doubted: OriginAnswer<Uint8Array> = { kind: 'absent', doubt: 'http://o2: connection refused' };
  assert.equal(await world({ origin: doubted, peer: 'signed' }).source.get(digest, 'r'), good);
  await assert.rejects(world({ origin: doubted }).source.get(digest, 'r'), { status: 503, message: /o2: connection/ });
});
