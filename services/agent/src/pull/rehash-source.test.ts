import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield } from '@shoal/core';
import type { BlobSource } from '@shoal/registry';
import type { CachedBlob } from '@shoal/store';
import { FirstByteDeadline } from './deadline.ts';
import { RehashSource } from './rehash-source.ts';

const never = new AbortController().signal;

/** A blob of four pieces of one byte, read as 'c'; its source past the cache gives 'p', the one after the hashing 'r'. */
const world = (o: { patienceMs?: number; pastCache?: () => BlobSource } = {}) => {
  const have = new Bitfield(4);
  const closed: string[] = [];
  const letters = (letter: string): BlobSource => ({
    size: 4,
    readInto: (buffer, position) => (buffer.fill(letter.charCodeAt(0), 0, 4 - position), 4 - position),
    waitFor: async () => {},
    close: () => void closed.push(letter),
  });
  const blob = {
    size: 4,
    pieceLength: 1,
    have,
    retain: () => ({ [Symbol.dispose]: () => void closed.push('c') }),
    readInto: (buffer: Uint8Array) => (buffer.fill(99), buffer.length),
  } as unknown as CachedBlob;
  const hashed = Promise.withResolvers<() => BlobSource>();
  const source = new RehashSource({
    blob,
    rehashed: hashed.promise,
    pastCache: o.pastCache ?? (() => letters('p')),
    patienceMs: o.patienceMs ?? 60_000,
    deadline: new FirstByteDeadline(60_000, 'test'),
    firstByte: () => {},
  });
  const buffer = Buffer.alloc(4);
  const read = async (position: number) => {
    await source.waitFor(position, never);
    return buffer.toString('latin1', 0, source.readInto(buffer, position));
  };
  return { have, closed, letters, hashed, source, read };
};

test('pieces are read as the hashing comes to them, and the rest as what the blob turned out to be', async () => {
  const { have, closed, letters, hashed, source, read } = world();
  const first = read(0);
  have.set(0);
  assert.equal(await first, 'c');
  const second = read(1);
  hashed.resolve(() => letters('r'));
  assert.equal(await second, 'rrr');
  source.close();
  assert.deepEqual(closed, ['c', 'r']);
});

test('a hashing that takes long is passed by, and waited for where nothing passes', async () => {
  const quick = world({ patienceMs: 10 });
  assert.equal(await quick.read(2), 'pp');
  const tries: number[] = [];
  const alone = world({
    patienceMs: 10,
    pastCache: () => {
      tries.push(1);
      throw new Error('every origin is down');
    },
  });
  const waiting = alone.read(3);
  setTimeout(() => alone.have.set(3), 50);
  assert.equal(await waiting, 'c');
  assert.deepEqual(tries, [1]);
});

test('a client that leaves ends the wait, and a hashing that fails later harms nobody', async () => {
  const { hashed, source } = world();
  const leaving = new AbortController();
  const waiting = source.waitFor(0, leaving.signal);
  leaving.abort(new Error('left'));
  await assert.rejects(waiting, /left/);
  source.close();
  hashed.reject(new Error('the disk is broken'));
});
