import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Driver, only } from './testing/drive.ts';

/** The origin offers a piece and delivers it; what the leech does then. */
const deliver = (driver: Driver, peer: number, piece: number) => [
  ...driver.do({ type: 'offer', peer, piece }),
  ...driver.do({ type: 'pieceVerified', peer, piece }),
];

test('alone, the credits at an origin open from one to the limit', () => {
  const driver = new Driver(100, { originCreditsMax: 8 });
  let credits = only(driver.origin(1), 'wantAny').length;
  assert.equal(credits, 1);
  for (let piece = 0; piece < 20; piece++) credits += only(deliver(driver, 1, piece), 'wantAny').length - 1;
  assert.equal(credits, 8);
});

test('in a crowd there is one credit an origin', () => {
  const driver = new Driver(100);
  for (let peer = 10; peer < 30; peer++) driver.agent(peer, '.'.repeat(100));
  let credits = only(driver.origin(1), 'wantAny').length;
  for (let piece = 0; piece < 20; piece++) credits += only(deliver(driver, 1, piece), 'wantAny').length - 1;
  assert.equal(credits, 1);
});

test('a credit tells what came from others since the last one', () => {
  const driver = new Driver(10);
  driver.agent(5, '#.........');
  driver.origin(1);
  driver.do({ type: 'pieceVerified', piece: 0, peer: 5 });
  const [credit] = only(deliver(driver, 1, 3), 'wantAny');
  assert.deepEqual(credit?.haveDelta, [0]);
  const [next] = only(deliver(driver, 1, 4), 'wantAny');
  assert.deepEqual(next?.haveDelta, [], 'its own pieces are no news to the origin');
});

test('a refused credit is tried again after a pause that grows, never at once', () => {
  const driver = new Driver(10, { refusedPauseMinMs: 20, refusedPauseMaxMs: 100 });
  driver.origin(1);
  const pauses: number[] = [];
  for (let round = 0; round < 6; round++) {
    const sinceMs = driver.nowMs;
    assert.equal(only(driver.do({ type: 'refused', peer: 1 }), 'wantAny').length, 0);
    while (only(driver.until(driver.nowMs + 1), 'wantAny').length === 0) assert.ok(driver.nowMs < sinceMs + 1000);
    pauses.push(driver.nowMs - sinceMs);
  }
  assert.ok(pauses[0]! >= 14 && pauses[0]! <= 27, String(pauses));
  assert.ok(pauses.at(-1)! >= 74 && pauses.at(-1)! <= 127, String(pauses));
});

test('an offer of what already arrives from elsewhere is cancelled, one of what only waits elsewhere is taken', () => {
  const offered = (piece: number): unknown => {
    const driver = new Driver(2);
    driver.origin(1);
    driver.agent(5, '##');
    driver.do({ type: 'progress', peer: 5, piece: 0, bytes: 1 });
    return only(driver.do({ type: 'offer', peer: 1, piece }), 'cancel');
  };
  assert.deepEqual(offered(0), [{ type: 'cancel', peer: 1, piece: 0 }]);
  assert.deepEqual(offered(1), [{ type: 'cancel', peer: 5, piece: 1 }]);
});

test('an OFFER that comes after its own DATA spends no second credit', () => {
  const driver = new Driver(10);
  driver.origin(1);
  deliver(driver, 1, 3);
  const before = driver.leech.outstandingCount;
  assert.deepEqual(driver.do({ type: 'offer', peer: 1, piece: 3 }), []);
  assert.equal(driver.leech.outstandingCount, before);
});

test('a credit prefers what a reader waits for and no agent has', () => {
  const driver = new Driver('##........');
  driver.do({ type: 'readers', cursors: [2] });
  assert.deepEqual(only(driver.origin(1), 'wantAny')[0]?.prefer, [2, 3]);
});

test('no credit is asked for more pieces than are wanted', () => {
  const driver = new Driver('#########.');
  assert.equal(only(driver.origin(1), 'wantAny').length + only(driver.origin(2), 'wantAny').length, 1);
});

test('an offer that no credit was given for is cancelled and takes no piece from others', () => {
  const driver = new Driver(8, { originCreditsMax: 1 });
  driver.origin(1);
  driver.agent(2, '########');
  driver.do({ type: 'offer', peer: 1, piece: 0 });
  driver.do({ type: 'refused', peer: 1 });
  const asked = Array.from({ length: 8 }, (_, piece) => piece).filter((piece) => driver.leech.isAsked(2, piece));
  assert.ok(asked.length > 0);
  for (const piece of asked.filter((each) => each !== 0)) {
    assert.deepEqual(driver.do({ type: 'offer', peer: 1, piece }), [{ type: 'cancel', peer: 1, piece }]);
    assert.ok(driver.leech.isAsked(2, piece) && !driver.leech.isAsked(1, piece));
  }
});
