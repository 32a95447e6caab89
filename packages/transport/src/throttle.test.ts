import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KiB, MiB } from '@shoal/core';
import { chunkBytesMax } from '@shoal/protocol';
import { dataPair, type LinkedPair } from './testing/node.ts';
import { Throttle, throttleOf } from './throttle.ts';

suite('Throttle', () => {
  test('holds its rate over time, whatever the size of what is admitted', () => {
    let nowMs = 0;
    const throttle = new Throttle(1_000_000, () => nowMs);
    let spent = 0;
    for (let seed = 1; nowMs < 60_000; nowMs += 5) {
      while (throttle.admit(() => {})) {
        seed = (seed * 48_271) % 2_147_483_647;
        const bytes = seed % 300_000;
        throttle.spend(bytes);
        spent += bytes;
      }
      throttle.close();
    }
    assert.ok(Math.abs(spent / 60_000_000 - 1) < 0.01, `${spent} bytes`);
  });

  test('an idle time is not saved up beyond the burst', () => {
    let nowMs = 0;
    const throttle = new Throttle(1_000_000, () => nowMs);
    nowMs = 3_600_000;
    let spent = 0;
    for (; throttle.admit(() => {}); spent += 1000) throttle.spend(1000);
    throttle.close();
    assert.equal(spent, 50_000);
  });

  test('who waits is admitted in turn, and no timer is left', async () => {
    let nowMs = 0;
    const throttle = new Throttle(1000, () => nowMs);
    const order: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    for (const caller of [1, 2, 3]) {
      const resume = (): void => {
        order.push(caller);
        throttle.spend(100);
        if (order.length === 3) resolve();
        nowMs += 200;
      };
      assert.equal(throttle.admit(resume), false);
    }
    nowMs = 1;
    await promise;
    assert.deepEqual(order, [1, 2, 3]);
    assert.ok(!process.getActiveResourcesInfo().includes('Timeout'));
  });

  test('no limit, no throttle', () =>
    assert.equal(
      throttleOf(0, () => 0),
      undefined,
    ));
});

/** Milliseconds that `bytes` take over one connection. */
const timeMs = async ({ up, down, upLink }: LinkedPair, bytes: number): Promise<number> => {
  const before = down.seen.payloadBytes;
  const startMs = performance.now();
  for (let piece = 0; piece < 4; piece++) {
    upLink.uplink!.start({
      channel: 1,
      piece,
      offset: 0,
      length: bytes / 4,
      reader: { readInto: (buffer) => buffer.length },
      onEnd() {},
    });
  }
  await down.seen.until('all bytes', () => down.seen.payloadBytes - before === bytes);
  assert.ok(up.endpoint);
  return performance.now() - startMs;
};

suite('limits of an endpoint', () => {
  test('a frame that has begun is read to its end, and the next one waits', async () => {
    // At this rate the rest of the frame would take four minutes.
    await using pair = await dataPair({ down: { limits: { downloadBytesPerSecondMax: 1000 } } });
    const { down, upLink, downLink } = pair;
    const [length, reader] = [chunkBytesMax, { readInto: (buffer: Uint8Array) => buffer.length }];
    assert.equal(downLink.dataPaused, false);
    upLink.uplink!.start({ channel: 1, piece: 0, offset: 0, length, reader, onEnd() {} });
    await down.seen.until('the frame', () => down.seen.frames[0]?.ended === true);
    assert.equal(downLink.dataPaused, true);
  });

  for (const side of ['up', 'down'] as const) {
    const limit = side === 'up' ? 'uploadBytesPerSecondMax' : 'downloadBytesPerSecondMax';
    test(`${limit}: twice the rate takes half the time, and less than the rate is never exceeded`, async () => {
      const slowRate = 8 * MiB;
      await using slow = await dataPair({ [side]: { limits: { [limit]: slowRate } } });
      await using fast = await dataPair({ [side]: { limits: { [limit]: 2 * slowRate } } });
      const bytes = 6 * MiB;
      const [slowMs, fastMs] = await Promise.all([timeMs(slow, bytes), timeMs(fast, bytes)]);
      const ratio = slowMs / fastMs;
      assert.ok(ratio > 1.6 && ratio < 2.4, `ratio ${ratio}`);
      // One chunk may be on credit, and the burst is free.
      const unpaid = 4 * 256 * KiB + 0.05 * slowRate;
      assert.ok(slowMs >= ((bytes - unpaid) / slowRate) * 1000, `${slowMs} ms`);
    });
  }
});
