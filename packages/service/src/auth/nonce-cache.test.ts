import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { NonceCache } from './nonce-cache.ts';

const windowMs = 300_000;

it('takes a nonce once', () => {
  const cache = new NonceCache(10);
  assert.equal(cache.add('a', 1000, 0), 'fresh');
  assert.equal(cache.add('a', 1000, 0), 'replayed');
  assert.equal(cache.add('b', 1000, 0), 'fresh');
});

it('forgets nonces that are too old to be accepted anyway', () => {
  const cache = new NonceCache(10);
  cache.add('a', 1000, 0);
  cache.add('b', 400_000, 100_000);
  assert.equal(cache.size, 1);
  assert.equal(cache.add('a', 1000, 100_000), 'tooOld');
});

it('never takes a nonce twice and never holds more than its bound, whatever comes in', () => {
  const requests = fc.array(fc.record({ nonce: fc.nat(40), age: fc.nat(windowMs), pause: fc.nat(20_000) }), {
    maxLength: 300,
  });
  fc.assert(
    fc.property(requests, fc.integer({ min: 1, max: 20 }), (sent, noncesMax) => {
      const cache = new NonceCache(noncesMax);
      const times = new Map<number, number>();
      const accepted = new Set<number>();
      let nowMs = windowMs;
      for (const { nonce, age, pause } of sent) {
        nowMs += pause;
        // The time is part of the signature: a nonce comes back with the time it was first sent with.
        const timeMs = times.get(nonce) ?? nowMs - age;
        times.set(nonce, timeMs);
        if (timeMs < nowMs - windowMs) continue;
        if (cache.add(String(nonce), timeMs, nowMs - windowMs) === 'fresh') {
          assert.ok(!accepted.has(nonce));
          accepted.add(nonce);
        }
        assert.ok(cache.size <= noncesMax);
      }
    }),
  );
});

it('goes on under load, with a shorter memory', () => {
  const cache = new NonceCache(100);
  let fresh = 0;
  for (let n = 0; n < 10_000; n++) if (cache.add(String(n), n * 100, n * 100 - windowMs) === 'fresh') fresh += 1;
  assert.equal(fresh, 10_000);
});
