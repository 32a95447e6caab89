import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { PeerEntry } from '@shoal/protocol';
import { OriginEntry } from './origin-entry.ts';

const peer = (complete: boolean) => ({ complete, role: 'agent' }) as PeerEntry;

const world = (trackersAnswer = true) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const reaches: string[] = [];
  const entry = new OriginEntry({ trackersAnswer, enter: (reach) => reaches.push(reach) });
  return { entry, reaches, entered: () => reaches.length, [Symbol.dispose]: () => mock.timers.reset() };
};

test('a tracker that does not answer is waited for a second, once; less where none answered before', () => {
  for (const [trackersAnswer, graceMs] of [
    [true, 1000],
    [false, 150],
  ] as const) {
    using it = world(trackersAnswer);
    mock.timers.tick(graceMs - 1);
    assert.equal(it.entered(), 0);
    assert.equal(it.entry.waiting, true);
    mock.timers.tick(1);
    assert.equal(it.entry.waiting, false);
    it.entry.now();
    it.entry.unanswered();
    it.entry.peers([peer(true)]);
    mock.timers.tick(10_000);
    assert.equal(it.entered(), 1);
  }
});

test('with no peers named yet the origins wait for the tracker, and are met at once when none answers', () => {
  using it = world();
  it.entry.now();
  assert.equal(it.entered(), 0);
  it.entry.unanswered();
  assert.deepEqual(it.reaches, ['all']);
});

test('a tracker that fails after others have named complete peers does not bring the origins in', () => {
  using it = world();
  it.entry.peers([peer(true)]);
  it.entry.unanswered();
  assert.equal(it.entered(), 0);
});

test('where no peer has the whole blob they are met at once', () => {
  using it = world();
  it.entry.peers([peer(false)]);
  assert.equal(it.entered(), 1);
});

test('complete peers have the word first; when they do not do, the origins are met at once', () => {
  using it = world();
  it.entry.peers([peer(false), peer(true)]);
  mock.timers.tick(900);
  assert.equal(it.entered(), 0);
  it.entry.now();
  assert.equal(it.entered(), 1);
  mock.timers.tick(10_000);
  assert.equal(it.entered(), 1);
});

test('one that is no gateway leaves far origins alone until nothing else delivers', () => {
  using it = world();
  it.entry.peers([peer(false)], false);
  it.entry.now();
  assert.deepEqual(it.reaches, ['near']);
  it.entry.far();
  it.entry.far();
  assert.deepEqual(it.reaches, ['near', 'all']);
});

test('one that becomes a gateway meets the far origins', () => {
  using it = world();
  it.entry.peers([peer(false)], false);
  it.entry.peers([], true);
  assert.deepEqual(it.reaches, ['near', 'all']);
});
