import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { SendQueue } from './send-queue.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const setUp = (queuedBytes = 0): { writes: string[]; overflows: () => number; queue: SendQueue } => {
  const writes: string[] = [];
  let overflows = 0;
  const wire = { queuedBytes, write: (bytes: Uint8Array) => void writes.push(bytes.toHex()) };
  return { writes, overflows: () => overflows, queue: new SendQueue(wire, 100, () => overflows++) };
};

suite('SendQueue', () => {
  test('frames of one turn leave in one write, in order', async () => {
    const { writes, queue } = setUp();
    queue.push(Uint8Array.of(1));
    queue.push(Uint8Array.of(2, 3));
    assert.deepEqual(writes, []);
    await turn();
    queue.push(Uint8Array.of(4));
    await turn();
    assert.deepEqual(writes, ['010203', '04']);
  });

  test('flush sends at once, and nothing twice', async () => {
    const { writes, queue } = setUp();
    queue.push(Uint8Array.of(1));
    queue.flush();
    await turn();
    assert.deepEqual(writes, ['01']);
  });

  test('a lazy frame waits for others, for two more lazy ones, or for the end of the turn', async () => {
    const { writes, queue } = setUp();
    const lazy = { lazy: true };
    const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
    queue.push(Uint8Array.of(1), lazy);
    await tick();
    assert.deepEqual(writes, []);
    queue.push(Uint8Array.of(2));
    await tick();
    assert.deepEqual(writes, ['0102']);
    for (const byte of [3, 4, 5]) queue.push(Uint8Array.of(byte), lazy);
    await tick();
    assert.deepEqual(writes, ['0102', '030405']);
    queue.push(Uint8Array.of(6), lazy);
    await turn();
    await turn();
    assert.deepEqual(writes, ['0102', '030405', '06']);
  });

  test('more than the bound, with what the socket holds, overflows outside push', async () => {
    const { writes, overflows, queue } = setUp(60);
    queue.push(new Uint8Array(40));
    await turn();
    assert.equal(overflows(), 0);
    queue.push(new Uint8Array(41));
    assert.equal(overflows(), 0);
    await turn();
    assert.equal(overflows(), 1);
    assert.equal(writes.length, 1);
  });
});
