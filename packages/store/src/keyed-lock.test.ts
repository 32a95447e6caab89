import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { KeyedLock } from './keyed-lock.ts';

suite('KeyedLock', () => {
  test('work on one key runs in order, one at a time, also after a failure; other keys do not wait', async () => {
    const lock = new KeyedLock<string>();
    const gate = Promise.withResolvers<void>();
    const order: string[] = [];
    const first = lock.run('a', async () => {
      order.push('first begins');
      await gate.promise;
      order.push('first fails');
      throw new Error('no');
    });
    const second = lock.run('a', async () => order.push('second'));
    await lock.run('b', async () => order.push('other key'));
    assert.deepEqual(order, ['first begins', 'other key']);
    const idle = lock.idle().then(() => order.push('idle'));
    gate.resolve();
    await assert.rejects(first, /no/);
    await second;
    await idle;
    assert.deepEqual(order.slice(2), ['first fails', 'second', 'idle']);
  });
});
