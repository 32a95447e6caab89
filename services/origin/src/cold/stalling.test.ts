import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { KiB } from '@shoal/core';
import { stalling } from './stalling.ts';

const never = new AbortController().signal;

test('a source that gives a byte at a time is as broken as one that gives nothing', async () => {
  using stall = stalling(60, never);
  const trickle = async (): Promise<void> => {
    for (;;) {
      await stall.guard(sleep(5));
      stall.progress(1);
    }
  };
  await assert.rejects(trickle(), { code: 'UPSTREAM_BROKEN', message: /delivered \d+ bytes in 60 ms/ });
  assert.equal(stall.signal.aborted, true);
});

test('a source that makes progress may take its time, and so may what is done with its bytes', async () => {
  using stall = stalling(1000, never);
  for (let step = 0; step < 4; step++) {
    await stall.guard(sleep(300));
    stall.progress(16 * KiB);
  }
  assert.equal(stall.signal.aborted, false);
});
