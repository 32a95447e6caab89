import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Driver, only } from './testing/drive.ts';

test('asks for the rarest piece first', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const driver = new Driver(5, { outstandingMax: 1 }, seed);
    driver.agent(9, '....#');
    for (const peer of [2, 3]) {
      driver.agent(peer, '##...');
      driver.do({ type: 'peerHave', peer, piece: 0, queueLength: 9 });
    }
    driver.agent(1, '####.');
    const [next] = only(driver.do({ type: 'pieceVerified', piece: 4, peer: 9 }), 'request');
    assert.equal(next?.peer, 1);
    assert.ok(next.piece === 2 || next.piece === 3, `piece ${next.piece} is a common one`);
  }
});

test('asks the neighbour with the shortest line', () => {
  const driver = new Driver('.#......', { outstandingMax: 1 });
  driver.agent(1, '.#......');
  driver.agent(2, '.#......');
  driver.do({ type: 'peerHave', peer: 1, piece: 1, queueLength: 9 });
  driver.do({ type: 'claimed', piece: 0 });
  driver.do({ type: 'peerHave', peer: 1, piece: 0, queueLength: 9 });
  driver.do({ type: 'peerHave', peer: 2, piece: 0, queueLength: 2 });
  assert.deepEqual(driver.do({ type: 'released', piece: 0 }), [{ type: 'request', peer: 2, piece: 0 }]);
});

test('keeps at most D requests out and at most three at one neighbour of many', () => {
  const driver = new Driver(256);
  const full = '#'.repeat(256);
  for (let peer = 1; peer <= 4; peer++) driver.do({ type: 'claimed', piece: peer });
  for (let peer = 1; peer <= 4; peer++) driver.agent(peer, '.'.repeat(256));
  const asked = [1, 2, 3, 4].flatMap((peer) => only(driver.agent(peer, full), 'request'));
  assert.equal(asked.length, 12);
  for (let peer = 1; peer <= 4; peer++) assert.equal(asked.filter((request) => request.peer === peer).length, 3);
});

test('gives its only neighbour more than three, so that the link stays full', () => {
  assert.equal(only(new Driver(256).agent(1, '#'.repeat(256)), 'request').length, 6);
});

test('tells exactly the neighbours that lack a new piece, in the same turn', () => {
  const driver = new Driver(2);
  driver.agent(1, '#.');
  driver.agent(2, '..');
  driver.agent(3, '.#');
  const actions = driver.do({ type: 'pieceVerified', piece: 0, peer: 1 });
  assert.deepEqual(only(actions, 'have'), [{ type: 'have', piece: 0, peers: [2, 3] }]);
});

test('the pieces of a lost neighbour are asked elsewhere in the same turn', () => {
  const driver = new Driver(6);
  driver.agent(1, '######');
  driver.agent(2, '######');
  const lost = [0, 1, 2, 3, 4, 5].filter((piece) => driver.leech.isAsked(1, piece));
  assert.ok(lost.length > 0);
  const again = only(driver.do({ type: 'peerLeft', peer: 1 }), 'request');
  assert.deepEqual(
    again.map(({ piece }) => piece).toSorted((a, b) => a - b),
    lost.slice(0, again.length),
  );
  assert.ok(again.every(({ peer }) => peer === 2));
});

test('a corrupt piece drops its sender for good, whatever it says later', () => {
  const driver = new Driver(2);
  driver.agent(1, '##');
  const actions = driver.do({ type: 'pieceCorrupt', peer: 1, piece: 0 });
  assert.deepEqual(only(actions, 'dropPeer'), [{ type: 'dropPeer', peer: 1, reason: 'corrupt' }]);
  assert.deepEqual(driver.agent(1, '##'), []);
  assert.equal(only(driver.agent(2, '##'), 'request').length, 2);
});

test('a reader pulls its next two pieces forward, in spite of rarity', () => {
  const driver = new Driver('#.......', { outstandingMax: 3 });
  driver.do({ type: 'readers', cursors: [1] });
  for (const peer of [1, 2, 3]) driver.agent(peer, '###.....');
  driver.agent(4, '########');
  assert.ok(driver.leech.isAsked(1, 1) && driver.leech.isAsked(1, 2));
  assert.equal(driver.leech.outstandingCount, 3);
});

test('what the HTTP fallback claims is asked of nobody until it is released', () => {
  const driver = new Driver(1);
  assert.equal(driver.leech.missingEverywhere(), 0);
  driver.do({ type: 'claimed', piece: 0 });
  assert.equal(driver.leech.missingUnclaimed(), undefined);
  assert.deepEqual(driver.agent(1, '#'), []);
  assert.deepEqual(driver.do({ type: 'released', piece: 0 }), [{ type: 'request', peer: 1, piece: 0 }]);
  assert.equal(driver.leech.missingEverywhere(), undefined);
});

test('a piece that came by HTTP cancels its request and completes the blob', () => {
  const driver = new Driver(1);
  driver.agent(1, '#');
  assert.deepEqual(driver.do({ type: 'pieceVerified', piece: 0 }), [
    { type: 'cancel', peer: 1, piece: 0 },
    { type: 'complete' },
  ]);
  assert.deepEqual(driver.do({ type: 'pieceVerified', piece: 0, peer: 1 }), [], 'the late duplicate changes nothing');
});

test('REJECT notHeld forgets the piece there, gone forgets them all, overloaded pauses', () => {
  const driver = new Driver(2, { deadlineFloorMs: 100 });
  driver.agent(1, '##');
  assert.deepEqual(driver.do({ type: 'rejected', peer: 1, piece: 0, reason: 'notHeld' }), []);
  assert.equal(driver.leech.availability(0), 0);
  assert.deepEqual(driver.do({ type: 'rejected', peer: 1, piece: 1, reason: 'overloaded' }), []);
  assert.deepEqual(only(driver.until(150), 'request'), [{ type: 'request', peer: 1, piece: 1 }]);
  driver.do({ type: 'rejected', peer: 1, piece: 1, reason: 'gone' });
  assert.equal(driver.leech.heldBy(1), 0);
});

test('starved is said at most once an interval, and only while slots are free', () => {
  const driver = new Driver(2, { starvedIntervalMs: 100 });
  driver.agent(1, '..');
  assert.equal(only(driver.until(450), 'starved').length, 4);
  driver.do({ type: 'peerHave', peer: 1, piece: 0, queueLength: 0 });
  driver.do({ type: 'peerHave', peer: 1, piece: 1, queueLength: 0 });
  assert.equal(only(driver.until(900), 'starved').length, 0, 'everything missing is under way');
});

test('in the endgame an old request is doubled at another holder, the first arrival cancels the other', () => {
  const driver = new Driver('#.#', { deadlineInitialMs: 80_000, deadlineMaxMs: 80_000, silentDropMs: 1e9 });
  driver.agent(1, '.#.');
  assert.ok(driver.leech.isAsked(1, 1));
  driver.agent(2, '.#.');
  assert.equal(driver.leech.isAsked(2, 1), false, 'not while the request is young');
  assert.deepEqual(driver.until(41_000), [{ type: 'request', peer: 2, piece: 1 }]);
  assert.deepEqual(only(driver.do({ type: 'pieceVerified', piece: 1, peer: 2 }), 'cancel'), [
    { type: 'cancel', peer: 1, piece: 1 },
  ]);
});

test('events about strangers and pieces outside the blob change nothing', () => {
  const driver = new Driver(2);
  assert.deepEqual(driver.do({ type: 'peerHave', peer: 9, piece: 0, queueLength: 0 }), []);
  assert.deepEqual(driver.do({ type: 'offer', peer: 9, piece: 0 }), []);
  driver.agent(1, '..');
  assert.deepEqual(driver.do({ type: 'peerHave', peer: 1, piece: 7, queueLength: 0 }), []);
  assert.equal(driver.leech.heldBy(1), 0);
});

test('a download of many has less out, and asks for more in the same turn when it has more to itself', () => {
  const full = '#'.repeat(256);
  const driver = new Driver(256);
  driver.do({ type: 'running', downloads: 10 });
  const asked = [1, 2, 3].flatMap((peer) => only(driver.agent(peer, full), 'request'));
  assert.equal(asked.length, 4);
  assert.deepEqual(driver.do({ type: 'running', downloads: 6 }), []);
  assert.equal(only(driver.do({ type: 'running', downloads: 4 }), 'request').length, 2);
  assert.deepEqual(driver.do({ type: 'running', downloads: 10 }), [], 'what is out is not cancelled');
  assert.equal(driver.leech.outstandingCount, 6);
  const [first] = asked;
  assert.ok(first);
  assert.deepEqual(only(driver.do({ type: 'pieceVerified', piece: first.piece, peer: first.peer }), 'request'), []);
});
