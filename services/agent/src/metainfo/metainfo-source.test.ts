import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, encodeCut, growingCut, leafLength, parseDigest, type SignedMetainfo } from '@shoal/core';
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
  await Promise.all(Array.from({ length: 10 }, () => source.find(digest, 'r')));
  assert.deepEqual(await source.find(digest, 'r'), { kind: 'signed', signed: good });
  assert.equal(asked.length, 1);
  assert.equal(source.known(digest), good);
});

test("with the origins down, or with one that nobody trusts, a peer's signed copy does", async () => {
  assert.deepEqual(await world({ origin: down, peer: 'signed' }).source.find(digest, 'r'), {
    kind: 'signed',
    signed: good,
  });
  assert.deepEqual(await world({ origin: found('forged'), peer: 'signed' }).source.find(digest, 'r'), {
    kind: 'signed',
    signed: good,
  });
});

test('a forged copy is none; what the origin does not know is 404 and peers are not asked', async () => {
  await assert.rejects(world({ origin: down, peer: 'forged' }).source.find(digest, 'r'), { status: 503 });
  await assert.rejects(world({ origin: found('forged') }).source.find(digest, 'r'), /not signed by a trusted key/);
  await assert.rejects(world({ origin: { kind: 'absent' }, peer: 'signed' }).source.find(digest, 'r'), {
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
  const answers = await Promise.allSettled([source.find(digest, 'has-not'), source.find(digest, 'has')]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  );
});

test('while an origin that may have it is down the word of another is not final', async () => {
  const doubted: OriginAnswer<Uint8Array> = { kind: 'absent', doubt: 'http://o2: connection refused' };
  assert.deepEqual(await world({ origin: doubted, peer: 'signed' }).source.find(digest, 'r'), {
    kind: 'signed',
    signed: good,
  });
  await assert.rejects(world({ origin: doubted }).source.find(digest, 'r'), { status: 503, message: /o2: connection/ });
});

test('an origin that is still receiving the blob tells how it is cut; that is not kept, and no peer is believed it', async () => {
  const cut = Buffer.from(encodeCut(growingCut(digest, 1_000_000, leafLength))).toString();
  const { source, asked } = world({ origin: found(cut) });
  const answer = await source.find(digest, 'r');
  assert.equal(answer.kind === 'growing' && answer.cut.pieceHashes.length, 4);
  assert.equal(source.known(digest), undefined);
  await source.find(digest, 'r');
  assert.equal(asked.length, 2);
  await assert.rejects(world({ origin: down, peer: cut }).source.find(digest, 'r'), { status: 503 });
});
