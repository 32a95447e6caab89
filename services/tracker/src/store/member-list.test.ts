import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seededPrng } from '@shoal/core';
import fc from 'fast-check';
import { MemberList } from './member-list.ts';
import { peerId } from './peer-store-conformance.ts';

it('holds what a map would, and samples different members of it', () => {
  const step = fc.record({ remove: fc.boolean(), n: fc.nat(12), value: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat(15), fc.nat(12), fc.nat(), (steps, count, except, seed) => {
      const list = new MemberList<string>();
      const model = new Map<number, string>();
      for (const { remove, n, value } of steps) {
        if (remove) {
          model.delete(n);
          list.delete(peerId(n));
        } else {
          model.set(n, `${n}=${value}`);
          list.set(peerId(n), `${n}=${value}`);
        }
      }
      assert.deepEqual(list.values().toSorted(), [...model.values()].toSorted());
      const sample = list.sample(count, seededPrng(seed), peerId(except));
      const others = [...model].filter(([n]) => n !== except).map(([, value]) => value);
      assert.equal(sample.length, Math.min(count, others.length));
      assert.equal(new Set(sample).size, sample.length);
      for (const value of sample) assert.ok(others.includes(value));
    }),
  );
});

it('samples each member about as often, whoever is left out', () => {
  const list = new MemberList<number>();
  for (let n = 0; n < 10; n++) list.set(peerId(n), n);
  const prng = seededPrng(7);
  const times = Array<number>(10).fill(0);
  for (let round = 0; round < 9000; round++)
    for (const n of list.sample(3, prng, peerId(4))) times[n] = (times[n] ?? 0) + 1;
  // 3000 each in the mean, standard deviation 45.
  assert.equal(times[4], 0);
  for (const [n, count] of times.entries()) if (n !== 4) assert.ok(Math.abs(count - 3000) < 250, `${n}: ${count}`);
});
