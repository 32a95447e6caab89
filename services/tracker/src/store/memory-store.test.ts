import assert from 'node:assert/strict';
import { it } from 'node:test';
import { seededPrng } from '@shoal/core';
import { MemoryPeerStore } from './memory-store.ts';
import { StoreUnavailableError } from './peer-store.ts';
import type { StoreLimits } from './peer-store.ts';
import { digestOf, joins, peer, peerStoreConformance, swarmId, testLimits } from './peer-store-conformance.ts';

const make = async (limits: StoreLimits) => {
  let nowMs = 0;
  const store = new MemoryPeerStore({ ttlMs: 1000, limits, clock: () => nowMs, prng: seededPrng(1) });
  const pass = async (ms: number): Promise<void> => {
    nowMs += ms;
  };
  return { store, ttlMs: 1000, pass };
};

peerStoreConformance('memory', make);

it('takes no further peer when it is full, until one dies', async () => {
  const { store, pass } = await make({ ...testLimits, peersMax: 1 });
  await store.announce(peer(1), [joins(1)]);
  await assert.rejects(store.announce(peer(2), [joins(1)]), StoreUnavailableError);
  assert.equal((await store.announce(peer(1), [joins(1)])).known, true);
  await pass(2000);
  assert.equal((await store.announce(peer(2), [joins(1)])).refused, 0);
});

it('keeps so many swarms', async () => {
  const { store } = await make({ ...testLimits, swarmsMax: 1 });
  assert.equal((await store.announce(peer(1), [joins(1), joins(2)])).refused, 1);
  assert.deepEqual(await store.counts(), { peers: 1, swarms: 1 });
});

it('moves a swarm to another digest when that is announced', async () => {
  const { store } = await make(testLimits);
  await store.announce(peer(1), [joins(1, { digest: digestOf(1) })]);
  await store.announce(peer(1), [joins(1, { digest: digestOf(2) })]);
  assert.deepEqual(await store.lookup({ digest: digestOf(1) }, 5), []);
  assert.equal((await store.lookup({ digest: digestOf(2) }, 5))[0]?.swarm, swarmId(1));
});
