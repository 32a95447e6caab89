import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield } from '@shoal/core';
import { Driver, bits, only } from './testing/drive.ts';

const all = '#'.repeat(20);
const none = '.'.repeat(20);

const abroad = (driver: Driver, peer: number, have: string) =>
  driver.do({ type: 'peerJoined', peer, role: 'agent', have: bits(have), abroad: true });

test('a piece that a neighbour of the zone has is never asked abroad', () => {
  const driver = new Driver(20, { outstandingMax: 20 });
  driver.agent(1, '#'.repeat(10) + '.'.repeat(10));
  const across = only(abroad(driver, 2, all), 'request');
  assert.ok(across.length > 0);
  assert.ok(across.every(({ peer, piece }) => peer === 2 && piece >= 10));
});

test('a gateway asks at once for its own pieces, and in turn for those that another does not bring in', () => {
  const driver = new Driver(20, { outstandingMax: 20, outstandingPerPeerMax: 20 });
  driver.do({ type: 'gateway', place: { index: 1, known: 2, places: 5 } });
  for (const peer of [1, 2, 3, 4]) driver.agent(peer, none);
  const asked = only(abroad(driver, 9, all), 'request').map(({ piece }) => piece);
  assert.deepEqual(asked, [1, 6, 11, 16]);
  const placesOf = (toMs: number): Set<number> =>
    new Set(only(driver.until(toMs), 'request').map(({ piece }) => piece % 5));
  assert.deepEqual(placesOf(990), new Set());
  // Place 0 is the other gateway's; 3 is empty, and falls to this one.
  assert.deepEqual(placesOf(1010).difference(new Set([1])), new Set([0, 3]));
  // Places 2 and 4 are empty and fall to the other one first.
  assert.ok(placesOf(2500).isSupersetOf(new Set([2, 4])));
});

test('a neighbour abroad hears of new pieces, and counts for no piece of the zone', () => {
  const driver = new Driver(4);
  abroad(driver, 1, '#...');
  assert.equal(driver.leech.availability(0), 0);
  assert.deepEqual(only(driver.do({ type: 'pieceVerified', piece: 2 }), 'have'), [
    { type: 'have', piece: 2, peers: [1] },
  ]);
  assert.deepEqual(driver.do({ type: 'peerLeft', peer: 1 }), []);
  assert.equal(driver.leech.have.count, new Bitfield(4).count + 1);
});
