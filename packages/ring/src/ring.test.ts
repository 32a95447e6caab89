import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Ring, keyHash, owners } from './index.ts';

const members = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 12 });
const digestKeys = Array.from({ length: 30_000 }, (_, index) => `sha256:${index.toString(16).padStart(64, '0')}`);

/** Keys a member owns, of 30,000 that differ in few bits. */
const loads = (names: readonly string[], replicas = 1): number[] => {
  const counts = new Map(names.map((name) => [name, 0]));
  for (const key of digestKeys)
    for (const owner of owners(key, names, replicas)) counts.set(owner, (counts.get(owner) ?? 0) + 1);
  return [...counts.values()];
};

test('three equal members share 30k keys within 3 %, ten within 4.5 standard deviations', () => {
  for (const count of loads(['origin-0:7000', 'origin-1:7000', 'origin-2:7000']))
    assert.ok(Math.abs(count / 10_000 - 1) < 0.03, String(count));
  const ten = Array.from({ length: 10 }, (_, index) => `10.0.0.${index}:7000`);
  const deviation = Math.sqrt(30_000 * 0.1 * 0.9);
  for (const count of loads(ten)) assert.ok(Math.abs(count - 3000) < 4.5 * deviation, String(count));
});

test('replicas are spread as evenly as first owners', () => {
  for (const count of loads(['a', 'b', 'c', 'd', 'e'], 2))
    assert.ok(Math.abs(count / 12_000 - 1) < 0.04, String(count));
});

test('owners are distinct members, at most as many as there are, whatever the order of the members', () => {
  fc.assert(
    fc.property(fc.string(), members, fc.nat(15), (key, names, replicas) => {
      const chosen = owners(key, names, replicas);
      assert.equal(chosen.length, Math.min(replicas, names.length));
      assert.equal(new Set(chosen).size, chosen.length);
      assert.ok(chosen.every((owner) => names.includes(owner)));
      assert.deepEqual(owners(key, names.toReversed(), replicas), chosen);
    }),
  );
});

test('removing a member that does not own a key never moves it', () => {
  fc.assert(
    fc.property(fc.string(), members, fc.integer({ min: 1, max: 3 }), fc.nat(), (key, names, replicas, pick) => {
      const before = owners(key, names, replicas);
      const removed = names[pick % names.length]!;
      const after = owners(
        key,
        names.filter((name) => name !== removed),
        replicas,
      );
      if (!before.includes(removed)) assert.deepEqual(after, before);
      else
        assert.deepEqual(
          after.slice(0, before.length - 1),
          before.filter((name) => name !== removed),
        );
    }),
  );
});

test('health filters the order and comes back to it', () => {
  fc.assert(
    fc.property(fc.string(), members, fc.nat(), (key, names, pick) => {
      const ring = Ring.of(names);
      const sick = names[pick % names.length]!;
      const without = ring.after({ type: 'down', member: sick });
      assert.equal(without.isHealthy(sick), false);
      if (names.length > 1)
        assert.deepEqual(
          without.owners(key, 12),
          ring.owners(key, 12).filter((name) => name !== sick),
        );
      else assert.deepEqual(without.owners(key, 1), [sick]);
      const healed = without.after({ type: 'up', member: sick });
      assert.deepEqual(healed.owners(key, 12), ring.owners(key, 12));
      assert.equal(healed.epoch, 2);
    }),
  );
});

test('an event that changes nothing gives the same ring', () => {
  const ring = Ring.of(['a', 'b']);
  assert.equal(ring.after({ type: 'up', member: 'a' }), ring);
  assert.equal(ring.after({ type: 'down', member: 'stranger' }), ring);
  assert.equal(ring.after({ type: 'members', members: ['b', 'a', 'a'] }), ring);
});

test('a member that stays keeps its health over a change of the members', () => {
  const ring = Ring.of(['a', 'b'])
    .after({ type: 'down', member: 'a' })
    .after({ type: 'members', members: ['a', 'c'] });
  assert.deepEqual([ring.isHealthy('a'), ring.isHealthy('b'), ring.isHealthy('c')], [false, false, true]);
  const back = ring.after({ type: 'members', members: ['c'] }).after({ type: 'members', members: ['a', 'c'] });
  assert.equal(back.isHealthy('a'), true);
});

test('an injected hash decides', () => {
  const ring = Ring.of(['a', 'b', 'c'], (text) => (text.startsWith('b') ? 2 : 1));
  assert.deepEqual(ring.owners('key', 3), ['b', 'a', 'c']);
});

test('the hash is a whole number of 53 bits with every bit in use', () => {
  let ones = 0n;
  let zeros = 0n;
  for (const key of digestKeys.slice(0, 2000)) {
    const value = keyHash(key);
    assert.ok(Number.isSafeInteger(value) && value >= 0);
    ones |= BigInt(value);
    zeros |= ~BigInt(value) & ((1n << 53n) - 1n);
  }
  assert.equal(ones, (1n << 53n) - 1n);
  assert.equal(zeros, (1n << 53n) - 1n);
});
