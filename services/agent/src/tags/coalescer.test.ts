import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { Coalescer } from './coalescer.ts';

test('a request never gets a revalidation that started before the request arrived, and all share at most one next', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 20 }),
      async (scheduler, gaps) => {
        const coalescer = new Coalescer<number>({ keysMax: 4 });
        let clock = 0;
        let started = 0;
        let inFlight = 0;
        const revalidate = async () => {
          const startedAt = ++clock;
          started++;
          inFlight++;
          assert.equal(inFlight, 1, 'one revalidation at a time');
          await scheduler.schedule(Promise.resolve());
          inFlight--;
          return startedAt;
        };
        const answers = gaps.map(async (gap) => {
          for (let turn = 0; turn < gap; turn++) await scheduler.schedule(Promise.resolve());
          const arrivedAt = ++clock;
          const startedAt = await coalescer.run('team/app:v1', revalidate);
          assert.ok(startedAt > arrivedAt, `started ${startedAt}, arrived ${arrivedAt}`);
        });
        await scheduler.waitFor(Promise.all(answers));
        assert.ok(started <= gaps.length);
      },
    ),
    { numRuns: 200 },
  );
});

test('a crowd that arrives during one revalidation costs one more', async () => {
  const coalescer = new Coalescer<number>({ keysMax: 1 });
  let started = 0;
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const revalidate = async () => {
    const mine = ++started;
    await gate;
    return mine;
  };
  const first = coalescer.run('k', revalidate);
  const crowd = Array.from({ length: 50 }, () => coalescer.run('k', revalidate));
  open();
  assert.equal(await first, 1);
  assert.deepEqual(new Set(await Promise.all(crowd)), new Set([2]));
});

test('who asks again as soon as they are answered shares the question of those who waited', async () => {
  const coalescer = new Coalescer<number>({ keysMax: 1 });
  let started = 0;
  const revalidate = async () => ++started;
  const first = coalescer.run('k', revalidate);
  const waiting = coalescer.run('k', revalidate);
  assert.equal(await first, 1);
  await setImmediate();
  assert.equal(await coalescer.run('k', revalidate), 2);
  assert.equal(await waiting, 2);
});

test('a failure is shared by its own crowd only', async () => {
  const coalescer = new Coalescer<string>({ keysMax: 1 });
  let calls = 0;
  const revalidate = async () => {
    if (++calls === 1) throw new Error('unreachable');
    return 'fresh';
  };
  const first = coalescer.run('k', revalidate);
  const second = coalescer.run('k', revalidate);
  await assert.rejects(first, /unreachable/);
  assert.equal(await second, 'fresh');
});

test('the number of keys in flight is bounded', async () => {
  const coalescer = new Coalescer<string>({ keysMax: 1 });
  const { promise: gate, resolve: open } = Promise.withResolvers<string>();
  const first = coalescer.run('a', () => gate);
  await assert.rejects(
    coalescer.run('b', async () => 'b'),
    { code: 'OVERLOADED', status: 503 },
  );
  open('a');
  assert.equal(await first, 'a');
  assert.equal(await coalescer.run('b', async () => 'b'), 'b');
});
