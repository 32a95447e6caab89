import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { KiB, type SignedMetainfo } from '@shoal/core';
import type { BlobSource } from '@shoal/registry';
import { StoreFullError, TreeHasher } from '@shoal/store';
import { AbsentError, type OriginClient } from '../origin/origin-client.ts';
import { Origins } from '../origin/origins.ts';
import { PassThroughs } from './pass-through.ts';
import { PastCacheSource } from './past-cache-source.ts';

const never = new AbortController().signal;
const policy = { piecesTarget: 1, lengthMin: 256 * KiB, lengthMax: 256 * KiB };

const signedOf = (bytes: Uint8Array): SignedMetainfo => {
  const hasher = new TreeHasher();
  hasher.update(bytes);
  return { metainfo: hasher.finish(policy).metainfo, signatures: [] };
};

/** An origin in memory that serves `bytes`, in small chunks; `spoil` changes or cuts them. */
const originOf = (
  bytes: Uint8Array,
  spoil: (chunk: Uint8Array, at: number) => Uint8Array | undefined = (chunk) => chunk,
): OriginClient =>
  ({
    url: 'http://origin',
    async *range(_digest: string, _repository: string, { offset, length }: { offset: number; length: number }) {
      for (let at = offset; at < offset + length; at += 50_000) {
        const chunk = spoil(bytes.subarray(at, Math.min(at + 50_000, offset + length)), at);
        if (!chunk) throw new Error('connection lost');
        yield chunk;
      }
    },
  }) as unknown as OriginClient;

const passThroughs = (clients: OriginClient[], openMax = 4) => {
  const log: string[] = [];
  const origins = new Origins({
    clients,
    clock: () => 0,
    events: { originFailed: () => {}, originAnswered: () => {} },
  });
  const events = {
    received: () => {},
    pieceCorrupt: (from: string, piece: number) => void log.push(`corrupt ${piece} ${from}`),
  };
  return { through: new PassThroughs({ origins, openMax, events }), log };
};

const readAll = async (source: BlobSource, from = 0): Promise<Buffer> => {
  const parts: Buffer[] = [];
  for (let position = from; position < source.size;) {
    const buffer = Buffer.alloc(100_000);
    const read = source.readInto(buffer, position);
    if (read === 0) await source.waitFor(position, never);
    parts.push(buffer.subarray(0, read));
    position += read;
  }
  return Buffer.concat(parts);
};

test('bytes pass through piece by piece, from any offset', async () => {
  const bytes = randomBytes(700 * KiB);
  const { through } = passThroughs([originOf(bytes)]);
  const source = through.open(signedOf(bytes), 'team/app');
  assert.ok(bytes.equals(await readAll(source)));
  assert.ok(bytes.subarray(600_001).equals(await readAll(source, 600_001)));
  source.close();
});

test('when one origin breaks off in the middle of a piece the next one goes on', async () => {
  const bytes = randomBytes(300 * KiB);
  const broken = originOf(bytes, (chunk, at) => (at > 100_000 ? undefined : chunk));
  const { through } = passThroughs([broken, originOf(bytes)]);
  assert.ok(bytes.equals(await readAll(through.open(signedOf(bytes), 'team/app'))));
});

test('a byte that does not match its hash never leaves', async () => {
  const bytes = randomBytes(300 * KiB);
  const lying = originOf(bytes, (chunk) => Uint8Array.from(chunk, (byte) => byte ^ 1));
  const { through, log } = passThroughs([lying]);
  const source = through.open(signedOf(bytes), 'team/app');
  await assert.rejects(source.waitFor(0, never), { status: 503 });
  assert.equal(source.readInto(Buffer.alloc(10), 0), 0);
  assert.deepEqual(log, ['corrupt 0 http://origin']);
});

test('what the origin has deleted meanwhile is 404, and the number of them is bounded', async () => {
  const bytes = randomBytes(10);
  const gone = originOf(bytes, () => {
    throw new AbsentError('404');
  });
  const { through } = passThroughs([gone], 1);
  const source = through.open(signedOf(bytes), 'team/app');
  await assert.rejects(source.waitFor(0, never), { code: 'BLOB_UNKNOWN' });
  assert.throws(() => through.open(signedOf(bytes), 'team/app'), { code: 'OVERLOADED' });
  source.close();
  through.open(signedOf(bytes), 'team/app').close();
});

test('a body that began in the cache goes on past it when the disk is full', async () => {
  const bytes = randomBytes(600 * KiB);
  const { through } = passThroughs([originOf(bytes)]);
  let closed = 0;
  const cached: BlobSource = {
    size: bytes.length,
    readInto: (buffer, position) => (position < 256 * KiB ? bytes.copy(buffer, 0, position, 256 * KiB) : 0),
    waitFor: () => Promise.reject(new StoreFullError('the disk is full')),
    close: () => closed++,
  };
  const source = new PastCacheSource(cached, () => through.open(signedOf(bytes), 'team/app'));
  assert.ok(bytes.equals(await readAll(source)));
  assert.equal(closed, 1);
  source.close();
  assert.equal(closed, 1);
});
