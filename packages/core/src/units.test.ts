import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { InvalidValueError, formatBytes, parseBytes, parseDurationMs, randomBelow, seededPrng } from './index.ts';

test('bytes with and without units', () => {
  const expected: [string | number, number][] = [
    [1_048_576, 1_048_576],
    ['0', 0],
    ['734B', 734],
    ['256MiB', 268_435_456],
    ['1.5 GB', 1.5e9],
    ['1KiB', 1024],
    ['2TB', 2e12],
    [' 1 TiB ', 2 ** 40],
    ['0.5KiB', 512],
  ];
  for (const [raw, bytes] of expected) assert.equal(parseBytes(raw), bytes, String(raw));
});

test('durations with units', () => {
  const expected: [string | number, number][] = [
    [1500, 1500],
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5m', 90_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
  ];
  for (const [raw, ms] of expected) assert.equal(parseDurationMs(raw), ms, String(raw));
});

test('what is no size or duration is refused, naming the field and the value', () => {
  for (const raw of ['', '-1', '1e3', 'MiB', '1 mib', '1KB2', '1,5GB', '99999999TiB', -1, 0.5, NaN, Infinity]) {
    assert.throws(
      () => parseBytes(raw, 'cache.quota'),
      (error: unknown) => error instanceof InvalidValueError && error.message.startsWith('cache.quota: '),
      String(raw),
    );
  }
  for (const raw of ['', '10', '-1s', '1 week', '1S', 's', -5, 1.5]) {
    assert.throws(
      () => parseDurationMs(raw, 'timeout'),
      (error: unknown) => error instanceof InvalidValueError && error.message.startsWith('timeout: '),
      String(raw),
    );
  }
});

test('formatted bytes read back to within rounding', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 45 }), (bytes) => {
      assert.ok(Math.abs(parseBytes(formatBytes(bytes)) / bytes - 1) < 0.05, formatBytes(bytes));
    }),
  );
  assert.deepEqual([0, 734, 1536, 12 * 2 ** 20, 1.5 * 2 ** 30].map(formatBytes), [
    '0 B',
    '734 B',
    '1.5 KiB',
    '12.0 MiB',
    '1.50 GiB',
  ]);
});

test('a seed gives one sequence, in [0, 1), evenly spread', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [a, b] = [seededPrng(seed), seededPrng(seed)];
      for (let step = 0; step < 50; step++) {
        const value = a();
        assert.ok(value >= 0 && value < 1 && value === b());
      }
    }),
  );
  const prng = seededPrng(1);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let step = 0; step < 100_000; step++) counts[randomBelow(prng, 10)]!++;
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 450, String(counts));
  assert.notEqual(seededPrng(1)(), seededPrng(2)());
});
