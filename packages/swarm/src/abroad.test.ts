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

test('a gateway asks at once for its own pieces, and later alone for those of a place that is empty', () => {
  const driver = new Driver(20, { outstandingMax: 20, outstandingPerPeerMax: 20 });
  driver.do({ type: 'gateway', place: { index: 1, known: 2, places: 5 } });
  for (const peer of [1, 2, 3, 4]) driver.agent(peer, none);
  const asked = only(abroad(driver, 9, all), 'request').map(({ piece }) => piece);
  assert.deepEqual(asked, [1, 6, 11, 16]);
  driver.nowMs = 990;
  assert.deepEqual(only(driver.until(driver.nowMs), 'request'), []);
  const later = only(driver.until(1010), 'request').map(({ piece }) => piece);
  // Place 3 is empty, and 3 mod 2 gateways is 1.
  assert.deepEqual(
    later.filter((piece) => piece % 5 !== 1),
    [3, 8, 13, 18],
  );
});

test('when a gateway does not bring its pieces in, another asks for one of them at a time', () => {
  const driver = new Driver(20, { outstandingMax: 20, outstandingPerPeerMax: 20 });
  driver.do({ type: 'gateway', place: { index: 1, known: 2, places: 2 } });
  for (const peer of [1, 2, 3, 4]) driver.agent(peer, none);
  abroad(driver, 8, all);
  const helped = only(driver.until(2500), 'request').filter(({ piece }) => piece % 2 === 0);
  assert.equal(new Set(helped.map(({ piece }) => piece)).size, 1);
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
