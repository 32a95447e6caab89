import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SingleFlight } from './single-flight.ts';

test('who asks while it runs shares the result; who asks later starts anew', async () => {
  const flights = new SingleFlight<number>({ keysMax: 2 });
  let runs = 0;
  const work = async () => {
    await Promise.resolve();
    return ++runs;
  };
  assert.deepEqual(
    await Promise.all([flights.run('a', work), flights.run('a', work), flights.run('a', work)]),
    [1, 1, 1],
  );
  assert.equal(flights.size, 0);
  assert.equal(await flights.run('a', work), 2);
});

test('a failure clears the way for the next', async () => {
  const flights = new SingleFlight<string>({ keysMax: 2 });
  await assert.rejects(
    flights.run('a', async () => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await flights.run('a', async () => 'yes'), 'yes');
});

test('the number of keys is bounded', async () => {
  const flights = new SingleFlight<string>({ keysMax: 1 });
  const { promise, resolve } = Promise.withResolvers<string>();
  const first = flights.run('a', () => promise);
  await assert.rejects(
    flights.run('b', async () => 'b'),
    { status: 503 },
  );
  resolve('a');
  assert.equal(await first, 'a');
});
