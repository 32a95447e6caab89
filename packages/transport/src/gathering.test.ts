import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededPrng } from '@shoal/core';
import { chunkBytesMax } from '@shoal/protocol';
import { Gathering } from './gathering.ts';

test('slices of frames that alternate arrive whole and in order, in fewer parts', () => {
  const prng = seededPrng(7);
  const frames = Array.from({ length: 3 }, () => {
    const taken: number[] = [];
    let parts = 0;
    const gathering = new Gathering((bytes) => {
      parts++;
      taken.push(...bytes.subarray(0, 1), bytes.length);
    });
    return { gathering, taken, sent: 0, parts: () => parts };
  });
  for (let slice = 0; slice < 600; slice++) {
    const frame = frames[Math.floor(slice / 8) % frames.length]!;
    const length = 1 + Math.floor(prng() * 16_384);
    frame.gathering.add(new Uint8Array(length).fill(slice & 255));
    frame.sent += length;
  }
  for (const { gathering, taken, sent, parts } of frames) {
    gathering.end();
    gathering.end();
    assert.equal(
      taken.reduce((sum, value, index) => sum + (index % 2 === 1 ? value : 0), 0),
      sent,
    );
    assert.ok(parts() <= 200 / 7, `${parts()} parts`);
  }
});

test('what is long enough is not copied, and comes after what was before it', () => {
  const taken: Uint8Array[] = [];
  const gathering = new Gathering((bytes) => taken.push(new Uint8Array(bytes)));
  const long = new Uint8Array(chunkBytesMax).fill(2);
  gathering.add(Uint8Array.of(1));
  gathering.add(long);
  assert.deepEqual(
    taken.map((bytes) => [bytes[0], bytes.length]),
    [
      [1, 1],
      [2, chunkBytesMax],
    ],
  );
});

test('what was dropped does not come', () => {
  const gathering = new Gathering(() => assert.fail('nobody waits for it'));
  gathering.add(Uint8Array.of(1));
  gathering.drop();
  gathering.end();
  const others: number[] = [];
  const other = new Gathering((bytes) => others.push(bytes.length));
  other.add(Uint8Array.of(1, 2));
  other.end();
  assert.deepEqual(others, [2]);
});
