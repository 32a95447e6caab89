import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { KeyedLock } from './keyed-lock.ts';

describe('KeyedLock', () => {
  it('runs the same key one after the other, in order, and other keys at once', async () => {
    const lock = new KeyedLock();
    const log: string[] = [];
    const gate = Promise.withResolvers<void>();
    const enter = (key: string, name: string, wait?: Promise<void>) =>
      lock.run(key, async () => {
        log.push(`${name} in`);
        await wait;
        log.push(`${name} out`);
      });
    const all = [enter('a', '1', gate.promise), enter('a', '2'), enter('a', '3')];
    await enter('b', 'other');
    gate.resolve();
    await Promise.all(all);
    assert.deepEqual(log, ['1 in', 'other in', 'other out', '1 out', '2 in', '2 out', '3 in', '3 out']);
  });

  it('goes on after a failure and hands it to its caller', async () => {
    const lock = new KeyedLock();
    const failing = lock.run('a', () => Promise.reject(new Error('broken')));
    const next = lock.run('a', async () => 'fine');
    await assert.rejects(failing, /broken/);
    assert.equal(await next, 'fine');
  });
});
