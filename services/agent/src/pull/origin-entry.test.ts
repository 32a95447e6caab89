import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { PeerEntry } from '@shoal/protocol';
import { OriginEntry } from './origin-entry.ts';

const peer = (complete: boolean) => ({ complete, role: 'agent' }) as PeerEntry;

const world = () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const reaches: string[] = [];
  const entry = new OriginEntry((reach) => reaches.push(reach));
  return { entry, reaches, entered: () => reaches.length, [Symbol.dispose]: () => mock.timers.reset() };
};

test('without a tracker the origins are met after a short wait, once', () => {
  using it = world();
  mock.timers.tick(149);
  assert.equal(it.entered(), 0);
  mock.timers.tick(1);
  it.entry.now();
  it.entry.peers([peer(true)]);
  mock.timers.tick(10_000);
  assert.equal(it.entered(), 1);
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
