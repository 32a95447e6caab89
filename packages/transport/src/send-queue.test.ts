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
