import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { framesWaitingMax, SendQueue } from './send-queue.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const tick = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

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

  test('what may wait does so until the turn ends', async () => {
    const { writes, queue } = setUp();
    queue.push(Uint8Array.of(1), true);
    await tick();
    assert.deepEqual(writes, []);
    await turn();
    assert.deepEqual(writes, ['01']);
  });

  test('what may wait leaves with a few others of its kind, or before one that may not', async () => {
    const { writes, queue } = setUp();
    for (let frame = 1; frame <= framesWaitingMax; frame++) queue.push(Uint8Array.of(frame), true);
    await tick();
    assert.deepEqual(writes, ['010203']);
    queue.push(Uint8Array.of(4), true);
    queue.push(Uint8Array.of(5));
    await tick();
    await turn();
    assert.deepEqual(writes, ['010203', '0405']);
  });

  test('what is dropped is not sent', async () => {
    const { writes, queue } = setUp();
    queue.push(Uint8Array.of(1));
    queue.drop();
    await turn();
    assert.deepEqual(writes, []);
  });

  test('flush sends at once, and nothing twice', async () => {
    const { writes, queue } = setUp();
    queue.push(Uint8Array.of(1));
    queue.flush();
    await turn();
    assert.deepEqual(writes, ['01']);
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
