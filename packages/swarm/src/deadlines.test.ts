import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Driver, only } from './testing/drive.ts';

const quick = { deadlineFloorMs: 50, deadlineInitialMs: 1000, outstandingMax: 2, outstandingPerPeerMax: 2 };

/** Two neighbours that hold everything; the first delivers `count` pieces in `pieceMs` each, one after the other. */
const measured = (count: number, pieceMs: number): Driver => {
  const driver = new Driver(64, quick);
  driver.agent(1, '#'.repeat(64));
  for (let piece = 0; piece < count; piece++) {
    const asked = Array.from({ length: 64 }, (_, index) => index).find((index) => driver.leech.isAsked(1, index));
    driver.do({ type: 'progress', peer: 1, piece: asked!, bytes: 1 });
    driver.nowMs += pieceMs;
    driver.do({ type: 'pieceVerified', piece: asked!, peer: 1 });
  }
  return driver;
};

test('a peer that dies is found within some measured turnarounds, and its requests go elsewhere', () => {
  for (const pieceMs of [20, 200]) {
    const driver = measured(20, pieceMs);
    driver.agent(2, '#'.repeat(64));
    const diedMs = driver.nowMs;
    let cancelled = 0;
    while (cancelled === 0 && driver.nowMs < diedMs + 100_000)
      cancelled = only(driver.until(driver.nowMs + 5), 'cancel').length;
    const tookMs = driver.nowMs - diedMs;
    assert.ok(tookMs >= 2 * pieceMs && tookMs <= 20 * pieceMs, `${tookMs} ms at ${pieceMs} ms a piece`);
    assert.equal(cancelled, 2, 'a silent peer loses all its requests');
    assert.ok(Array.from({ length: 64 }, (_, piece) => piece).some((piece) => driver.leech.isAsked(2, piece)));
  }
});

test('before anything was measured the initial deadline holds', () => {
  const driver = new Driver(2, quick);
  driver.agent(1, '##');
  driver.agent(2, '##');
  assert.equal(only(driver.until(990), 'cancel').length, 0);
  assert.equal(only(driver.until(1010), 'cancel').length, 2);
});

test('where all answer more slowly than the deadline, requests are given more and more time', () => {
  const driver = new Driver(2, { ...quick, deadlineMaxMs: 60_000 });
  driver.agent(1, '##');
  driver.agent(2, '##');
  const sentMs = new Map<string, number>();
  const givenUp: number[] = [];
  for (let step = 0; step < 6000; step++) {
    // Both are heard, so that both may be asked again at once.
    for (const peer of [1, 2]) driver.do({ type: 'peerHave', peer, piece: 0, queueLength: 0 });
    for (const action of driver.until(driver.nowMs + 10)) {
      if (action.type === 'request') sentMs.set(`${action.peer} ${action.piece}`, driver.nowMs);
      else if (action.type === 'cancel')
        givenUp.push(driver.nowMs - (sentMs.get(`${action.peer} ${action.piece}`) ?? 0));
    }
  }
  assert.ok((givenUp[0] ?? 0) <= 1020, `${givenUp[0]} ms`);
  assert.ok((givenUp.at(-1) ?? 0) >= 8000, `${givenUp.at(-1)} ms`);
  assert.ok(givenUp.length < 30, `${givenUp.length} requests`);
});

test('a transfer that trickles is not given up', () => {
  const driver = measured(20, 20);
  driver.agent(2, '#'.repeat(64));
  const asked = Array.from({ length: 64 }, (_, index) => index).filter((index) => driver.leech.isAsked(1, index));
  for (let round = 0; round < 100; round++) {
    for (const piece of asked) driver.do({ type: 'progress', peer: 1, piece, bytes: 1 });
    assert.equal(only(driver.until(driver.nowMs + 40), 'cancel').length, 0);
  }
});

test('a request stays where it is while nobody else could serve it; long silence costs the connection', () => {
  const driver = new Driver(2, { ...quick, silentDropMs: 5000 });
  driver.agent(1, '##');
  const actions = driver.until(6000);
  assert.equal(only(actions, 'cancel').length, 0);
  assert.deepEqual(only(actions, 'dropPeer'), [{ type: 'dropPeer', peer: 1, reason: 'stalled' }]);
});

test('a slow peer loses its requests, not its connection', () => {
  const driver = new Driver(4, { ...quick, silentDropMs: 5000 });
  driver.agent(1, '####');
  driver.agent(2, '####');
  for (let round = 0; round < 40; round++) {
    const actions = driver.until(driver.nowMs + 500);
    assert.deepEqual(only(actions, 'dropPeer'), []);
    for (const peer of [1, 2]) driver.do({ type: 'peerHave', peer, piece: 0, queueLength: 50 });
  }
});

test('the first sign of life ends the pause of a silent peer', () => {
  const driver = new Driver(2, quick);
  driver.agent(1, '##');
  driver.agent(2, '#.');
  driver.until(1500);
  driver.do({ type: 'peerLeft', peer: 2 });
  const before = driver.leech.outstandingCount;
  const actions = driver.do({ type: 'peerHave', peer: 1, piece: 0, queueLength: 0 });
  assert.ok(before < 2 && driver.leech.outstandingCount === 2, JSON.stringify(actions));
});

test('a first neighbour that never says a word does not keep its requests from those who come later', () => {
  const driver = new Driver(64, { deadlineInitialMs: 1000 });
  assert.equal(only(driver.agent(1, '#'.repeat(64)), 'request').length, 6, 'all slots');
  driver.until(100);
  driver.agent(2, '#'.repeat(64));
  const early = only(driver.until(260), 'request');
  assert.ok(early.length > 0, 'long before the deadline');
  for (const { peer } of early) assert.equal(peer, 2);
  assert.ok(driver.leech.outstandingCount <= 12);
});
