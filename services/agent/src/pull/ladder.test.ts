import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '@shoal/core';
import { decideRung, type LadderState } from './ladder.ts';

const limits = { fallbackMs: 2000, pieceLength: 256 * KiB };
const state = (changes: Partial<LadderState>): LadderState => ({
  nowMs: 100_000,
  swarmProgressMs: 99_900,
  noSourcesSinceMs: undefined,
  httpFailedMs: undefined,
  ...changes,
});

test('the swarm has the word as long as it delivers', () => {
  assert.equal(decideRung(state({}), limits), 'swarm');
  assert.equal(decideRung(state({ httpFailedMs: 99_999 }), limits), 'swarm');
});

test('what nobody in the swarm has comes by HTTP soon, also while the rest flows', () => {
  assert.equal(decideRung(state({ noSourcesSinceMs: 99_900 }), limits), 'swarm');
  assert.equal(decideRung(state({ noSourcesSinceMs: 99_500 }), limits), 'http-missing');
});

test('a swarm that stands still gives way to HTTP, and large pieces get more patience', () => {
  assert.equal(decideRung(state({ swarmProgressMs: 97_000 }), limits), 'http-any');
  assert.equal(decideRung(state({ swarmProgressMs: 97_000 }), { ...limits, pieceLength: 32 * MiB }), 'swarm');
  assert.equal(decideRung(state({ swarmProgressMs: 93_000 }), { ...limits, pieceLength: 32 * MiB }), 'http-any');
});

test('with no source and no origin it says so, after the same patience, and goes on trying', () => {
  const alone = { swarmProgressMs: 90_000, httpFailedMs: 99_500 };
  assert.equal(decideRung(state({ ...alone, noSourcesSinceMs: 99_000 }), limits), 'swarm');
  assert.equal(decideRung(state({ ...alone, noSourcesSinceMs: 97_000 }), limits), 'exhausted');
  assert.equal(decideRung(state({ ...alone, noSourcesSinceMs: 97_000, httpFailedMs: 98_000 }), limits), 'http-any');
});
