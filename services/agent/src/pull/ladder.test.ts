import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '@shoal/core';
import { decideRung, type LadderState } from './ladder.ts';

const limits = { fallbackMs: 2000, pieceLength: 256 * KiB, bytesPerSecondMax: 0 };
const state = (changes: Partial<LadderState>): LadderState => ({
  nowMs: 100_000,
  swarmProgressMs: 99_900,
  noSourcesSinceMs: undefined,
  httpFailedMs: undefined,
  degree: 0,
  lot: 0.5,
  ...changes,
});

test('origins that are well but busy are waited for, and are no reason to give up', () => {
  const stalled = { swarmProgressMs: 0, noSourcesSinceMs: 0 };
  assert.equal(decideRung(state({ ...stalled, httpBusyUntilMs: 100_001 }), limits), 'swarm');
  assert.equal(decideRung(state({ ...stalled, httpBusyUntilMs: 100_000 }), limits), 'http-any');
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

test('whoever keeps its own limit is patient with a swarm that delivers no faster', () => {
  const slow = { ...limits, pieceLength: MiB, bytesPerSecondMax: MiB / 4 };
  assert.equal(decideRung(state({ swarmProgressMs: 97_000 }), { ...limits, pieceLength: MiB }), 'http-any');
  assert.equal(decideRung(state({ swarmProgressMs: 95_000 }), slow), 'swarm');
  assert.equal(decideRung(state({ swarmProgressMs: 93_000 }), slow), 'http-any');
});

test('with no source and no origin it says so, after the same patience, and goes on trying', () => {
  const alone = { swarmProgressMs: 90_000, httpFailedMs: 99_500 };
  assert.equal(decideRung(state({ ...alone, noSourcesSinceMs: 99_000 }), limits), 'swarm');
  assert.equal(decideRung(state({ ...alone, noSourcesSinceMs: 97_000 }), limits), 'exhausted');
  assert.equal(decideRung(state({ ...alone, noSourcesSinceMs: 97_000, httpFailedMs: 98_000 }), limits), 'http-any');
});

test('of a crowd without progress few turn to HTTP at a time, and all do in the end', () => {
  const crowd = Array.from({ length: 1000 }, (_, index) => (index + 0.5) / 1000);
  const turned = (stoodMs: number, changes: Partial<LadderState> = {}): number =>
    crowd.filter((lot) => {
      const waiting = state({ swarmProgressMs: 100_000 - stoodMs, degree: 20, lot, ...changes });
      return decideRung(waiting, limits) !== 'swarm';
    }).length;
  assert.equal(turned(2_000), 0);
  assert.equal(turned(4_100), 51);
  assert.equal(turned(43_000), 1000);
  const sourceless = (ms: number): number => turned(100, { noSourcesSinceMs: 100_000 - ms });
  assert.deepEqual([sourceless(400), sourceless(800), sourceless(8_400)], [0, 50, 1000]);
});
