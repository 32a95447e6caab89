import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { MiB } from '@shoal/core';
import { chunkBytesMax } from '@shoal/protocol';
import { dataPair, type LinkedPair, startNode } from './testing/node.ts';
import type { TransferHandle } from './uplink.ts';
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

  test('who leaves has no turn, and what is given back may be spent again', () => {
    const throttle = new Throttle(1000, () => 0);
    const [left, stays] = [(): void => {}, (): void => {}];
    assert.ok(!throttle.admit(left) && !throttle.admit(stays));
    assert.deepEqual([throttle.leave(left), throttle.leave(left), throttle.saturated], [true, false, true]);
    assert.deepEqual([throttle.leave(stays), throttle.saturated], [true, false]);
    throttle.spend(10);
    throttle.spend(-11);
    assert.ok(throttle.admit(stays));
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

suite('the download limit', () => {
  test('admits connections that wait for it one after the other, a frame each', async () => {
    const [rate, links, seconds] = [8 * MiB, 12, 4];
    await using down = await startNode({ limits: { downloadBytesPerSecondMax: rate } });
    await using ups = new AsyncDisposableStack();
    const arrivals: { readonly atMs: number; readonly bytes: number }[] = [];
    const startMs = performance.now();
    down.seen.onFrame = ({ header }) => arrivals.push({ atMs: performance.now() - startMs, bytes: header.length });
    for (let count = 0; count < links; count++) {
      const up = ups.use(await startNode());
      const link = await down.dial(up);
      link.openData();
      await down.seen.until('a data connection', () => down.seen.dataOpenings === count + 1);
      const reader = { readInto: (buffer: Uint8Array) => buffer.length };
      up.seen.opened[0]!.uplink!.start({ channel: 1, piece: 0, offset: 0, length: 64 * MiB, reader, onEnd() {} });
    }
    await down.seen.until('some seconds', () => (arrivals.at(-1)?.atMs ?? 0) > seconds * 1000);
    // The first frame of a connection comes unasked. Released at once, all of them would bring 6 MiB together.
    const later = arrivals.slice(links);
    const windowMs = 200;
    const sums = later.map(({ atMs }) =>
      later.reduce((sum, each) => sum + (each.atMs >= atMs && each.atMs < atMs + windowMs ? each.bytes : 0), 0),
    );
    assert.ok(Math.max(...sums) <= rate * ((windowMs + 50) / 1000) + 4 * chunkBytesMax, `${Math.max(...sums)} bytes`);
  });
});

suite('limits of a transfer', () => {
  const reader = { readInto: (buffer: Uint8Array) => buffer.length };
  const bytesOf = ({ down }: LinkedPair, channel: number): number =>
    down.seen.frames.reduce((sum, { header }) => sum + (header.channel === channel ? header.length : 0), 0);

  test('of two blobs on one connection each has its own, and one without goes at full speed', async () => {
    await using pair = await dataPair();
    const uplink = pair.upLink.uplink!;
    // At these rates the first two would take hours, so that only their own bursts come.
    const slow = [1000, 2000].map((rate) => new Throttle(rate, () => performance.now()));
    for (const [index, throttle] of slow.entries())
      for (const piece of [0, 1, 2])
        uplink.start({ channel: index + 1, piece, offset: 0, length: 4 * MiB, reader, throttle, onEnd() {} });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    uplink.start({ channel: 3, piece: 0, offset: 0, length: 64 * MiB, reader, onEnd: resolve });
    assert.ok(await promise);
    await pair.down.seen.until('all of the third', () => bytesOf(pair, 3) === 64 * MiB);
    for (const channel of [1, 2]) assert.ok(bytesOf(pair, channel) <= chunkBytesMax, `channel ${channel}`);
    assert.ok(slow.every(({ saturated }) => saturated));
    await pair.up.endpoint.close();
    assert.ok(!slow.some(({ saturated }) => saturated), 'nobody waits any more when the connection is gone');
  });

  test('a transfer that waits for its limit is cancelled at once, and its chunk is given back', async () => {
    await using pair = await dataPair();
    const uplink = pair.upLink.uplink!;
    let nowMs = 0;
    const throttle = new Throttle(1000, () => nowMs);
    const ends: boolean[] = [];
    const start = (piece: number): TransferHandle =>
      uplink.start({ channel: 1, piece, offset: 0, length: MiB, reader, throttle, onEnd: (ok) => ends.push(ok) });
    const waits = start(0);
    uplink.cancel(waits);
    await pair.down.seen.until('the word of its end', () => pair.down.seen.frames.length === 1);
    assert.deepEqual([ends, throttle.saturated, pair.down.seen.frames[0]!.header.length], [[false], false, 0]);
    nowMs = 1;
    uplink.cancel(start(1));
    assert.ok(
      throttle.admit(() => {}),
      'what was paid for the chunk is there again',
    );
  });

  test('twice the rate takes half the time, over several connections', async () => {
    const rate = 8 * MiB;
    const bytes = 6 * MiB;
    const time = async (throttle: Throttle): Promise<number> => {
      await using one = await dataPair();
      await using two = await dataPair();
      const startMs = performance.now();
      const ended = [one, two].map(({ upLink }) => {
        const { promise, resolve } = Promise.withResolvers<boolean>();
        upLink.uplink!.start({ channel: 1, piece: 0, offset: 0, length: bytes / 2, reader, throttle, onEnd: resolve });
        return promise;
      });
      assert.deepEqual(await Promise.all(ended), [true, true]);
      return performance.now() - startMs;
    };
    const clock = (): number => performance.now();
    const [slowMs, fastMs] = await Promise.all([time(new Throttle(rate, clock)), time(new Throttle(2 * rate, clock))]);
    assert.ok(slowMs / fastMs > 1.5 && slowMs / fastMs < 2.6, `${slowMs} and ${fastMs} ms`);
    // A chunk of each connection may be on credit, and the burst is free.
    assert.ok(slowMs >= ((bytes - 2 * chunkBytesMax - 0.05 * rate) / rate) * 1000, `${slowMs} ms`);
  });
});

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
      const unpaid = 4 * chunkBytesMax + 0.05 * slowRate;
      assert.ok(slowMs >= ((bytes - unpaid) / slowRate) * 1000, `${slowMs} ms`);
    });
  }
});
