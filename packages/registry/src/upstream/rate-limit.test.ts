import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateLimitOf, retryAfterMs } from './rate-limit.ts';

test('rate limits with and without a window', () => {
  assert.deepEqual(rateLimitOf({ 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600' }), {
    limit: 100,
    remaining: 76,
  });
  assert.deepEqual(rateLimitOf({ 'x-ratelimit-remaining': ' 5 ' }), { limit: undefined, remaining: 5 });
  for (const headers of [{}, { 'ratelimit-limit': 'many' }, { 'ratelimit-remaining': '1.5' }])
    assert.equal(rateLimitOf(headers), undefined);
});

test('Retry-After in seconds and as a date; one in the past is now', () => {
  const nowMs = Date.parse('2026-01-01T00:00:00Z');
  assert.equal(retryAfterMs({ 'retry-after': '7' }, nowMs), 7000);
  assert.equal(retryAfterMs({ 'retry-after': 'Thu, 01 Jan 2026 00:00:30 GMT' }, nowMs), 30_000);
  assert.equal(retryAfterMs({ 'retry-after': 'Wed, 31 Dec 2025 00:00:00 GMT' }, nowMs), 0);
  for (const raw of [undefined, '', '-1', '1e9', 'soon'])
    assert.equal(retryAfterMs({ 'retry-after': raw }, nowMs), undefined);
});
