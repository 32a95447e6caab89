import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RateMeter } from './rate-meter.ts';

test('measures what moves over its window, and forgets it after', () => {
  const meter = new RateMeter({ windowMs: 100, slots: 5 });
  assert.equal(meter.bytesPerSecond(0), 0);
  for (let ms = 0; ms < 1000; ms += 10) meter.add(1000, ms);
  const rate = meter.bytesPerSecond(1000);
  assert.ok(rate > 85_000 && rate < 130_000, `${rate} for 100,000 bytes/s`);
  assert.equal(meter.bytesPerSecond(2000), 0);
});

test('a gap of many windows costs no more than one', () => {
  const meter = new RateMeter({ windowMs: 100, slots: 5 });
  meter.add(5000, 0);
  meter.add(7000, 1e9);
  assert.ok(meter.bytesPerSecond(1e9 + 20) >= 70_000);
});
