import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Driver, only } from './testing/drive.ts';

const pieceBytes = 1024;

/**
 * Milliseconds until all pieces are here, from two agents that hold everything and take `pieceMs` for each; `late`
 * milliseconds pass before each timer fires.
 */
const timeMs = (rate: number, { pieces, pieceMs, late }: { pieces: number; pieceMs: number; late: number }): number => {
  const driver = new Driver(pieces, { bytesPerSecondMax: rate });
  const due: { peer: number; piece: number; atMs: number }[] = [];
  const take = (actions: ReturnType<Driver['do']>): void => {
    for (const { peer, piece } of only(actions, 'request')) due.push({ peer, piece, atMs: driver.nowMs + pieceMs });
  };
  for (const peer of [1, 2]) take(driver.agent(peer, '#'.repeat(pieces)));
  for (let step = 0; step < 100 * pieces && !driver.leech.complete; step++) {
    const timerMs = driver.nowMs + (driver.leech.nextTimeoutMs(driver.nowMs) ?? Infinity) + late;
    const next = due[0];
    if (next && next.atMs <= timerMs) {
      due.shift();
      driver.nowMs = Math.max(driver.nowMs, next.atMs);
      if (!driver.leech.isAsked(next.peer, next.piece)) continue;
      take(driver.do({ type: 'progress', peer: next.peer, piece: next.piece, bytes: pieceBytes }));
      take(driver.do({ type: 'pieceVerified', peer: next.peer, piece: next.piece }));
    } else {
      driver.nowMs = timerMs;
      take(driver.do({ type: 'timer' }));
    }
  }
  assert.ok(driver.leech.complete);
  return driver.nowMs;
};

test('a download holds its rate, within a piece and what an idle time saves up', () => {
  const cases = fc.record({
    rate: fc.integer({ min: 2_000, max: 500_000 }),
    pieceMs: fc.integer({ min: 1, max: 4 }),
    late: fc.integer({ min: 0, max: 3 }),
  });
  fc.assert(
    fc.property(cases, ({ rate, pieceMs, late }) => {
      const pieces = 200;
      const bytes = pieces * pieceBytes;
      const ms = timeMs(rate, { pieces, pieceMs, late });
      assert.ok(ms >= ((bytes - pieceBytes - 0.05 * rate) / rate) * 1000, `${ms} ms are too few`);
      assert.ok(ms <= (bytes / rate) * 1050 + 50, `${ms} ms are too many`);
    }),
  );
});

test('without a limit nothing is held back', () => assert.ok(timeMs(0, { pieces: 200, pieceMs: 1, late: 0 }) < 200));

/** At 1024 bytes a second a piece takes a second: the first one is on credit. */
const slow = { bytesPerSecondMax: pieceBytes };

test('what is asked in vain is given back, except for what has come of it', () => {
  const driver = new Driver(4, slow);
  const [first] = only(driver.agent(1, '####'), 'request');
  assert.equal(only(driver.agent(2, '####'), 'request').length, 0, 'one piece uses the second up');
  driver.nowMs = 1;
  assert.equal(only(driver.do({ type: 'peerLeft', peer: 1 }), 'request').length, 1, 'nothing of it has come');
  assert.equal(driver.leech.outstandingCount, 1);
  const half = new Driver(4, slow);
  const [asked] = only(half.agent(1, '####'), 'request');
  half.agent(2, '####');
  half.do({ type: 'progress', peer: 1, piece: asked!.piece, bytes: pieceBytes / 2 });
  assert.equal(only(half.do({ type: 'peerLeft', peer: 1 }), 'request').length, 0, 'half of it has come');
  assert.equal(only(half.until(400), 'request').length, 0);
  assert.equal(only(half.until(600), 'request').length, 1);
  assert.ok(first);
});

test("an origin's credits are paid for beforehand, once, and given back with a refusal or when it leaves", () => {
  const driver = new Driver(4, slow);
  assert.equal(only(driver.origin(1), 'wantAny').length, 1);
  assert.equal(only(driver.agent(2, '####'), 'request').length, 0);
  driver.do({ type: 'offer', peer: 1, piece: 0 });
  assert.ok(driver.leech.isAsked(1, 0));
  const actions = driver.do({ type: 'pieceVerified', peer: 1, piece: 0 });
  assert.equal(only(actions, 'request').length + only(actions, 'wantAny').length, 0);
  assert.equal(only(driver.until(900), 'request').length, 0);
  const next = driver.until(1_000);
  assert.equal(only(next, 'request').length + only(next, 'wantAny').length, 1);

  for (const end of [
    { type: 'refused', peer: 1 },
    { type: 'peerLeft', peer: 1 },
  ] as const) {
    const other = new Driver(4, slow);
    other.origin(1);
    other.agent(2, '####');
    assert.equal(only(other.do(end), 'request').length, 1);
  }
});

test('what comes by HTTP counts as well', () => {
  const driver = new Driver(4, slow);
  assert.ok(driver.leech.mayAsk(0));
  driver.do({ type: 'claimed', piece: 0 });
  assert.ok(!driver.leech.mayAsk(0));
  driver.do({ type: 'released', piece: 0 });
  assert.ok(driver.leech.mayAsk(0));
  driver.do({ type: 'claimed', piece: 1 });
  driver.do({ type: 'pieceVerified', piece: 1 });
  assert.equal(only(driver.agent(1, '####'), 'request').length, 0);
  assert.equal(only(driver.until(1_000), 'request').length, 1);
});
