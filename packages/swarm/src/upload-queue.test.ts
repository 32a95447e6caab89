import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UploadQueue } from './upload-queue.ts';
import type { UploadAction, UploadEvent, UploadLimits, UploadRank } from './upload-types.ts';

const MiB = 1024 * 1024;

class Driver {
  readonly queue: UploadQueue;
  nowMs = 0;

  constructor(limits: Partial<UploadLimits> = {}, rank?: UploadRank) {
    this.queue = new UploadQueue({ limits, ...(rank && { rank }) });
  }

  do(event: UploadEvent): UploadAction[] {
    this.queue.handle(event, this.nowMs);
    const actions: UploadAction[] = [];
    for (let action = this.queue.poll(); action; action = this.queue.poll()) actions.push(action);
    return actions;
  }

  ask(
    peer: number,
    piece: number,
    { availability = 1, requesterHeld = 0, bytes = MiB, swarm = 0 } = {},
  ): UploadAction[] {
    return this.do({ type: 'request', peer, swarm, piece, bytes, availability, requesterHeld });
  }

  end(peer: number, piece: number): UploadAction[] {
    return this.do({ type: 'transferEnded', peer, swarm: 0, piece });
  }
}

const start = (peer: number, piece: number): UploadAction => ({ type: 'start', peer, swarm: 0, piece });

test('one runs at a time, then the rarest piece, then the least complete requester, then the first come', () => {
  const driver = new Driver({ activeMin: 1, egressMax: 1000 });
  assert.deepEqual(driver.ask(1, 0), [start(1, 0)]);
  driver.ask(2, 1, { availability: 3, requesterHeld: 0 });
  driver.ask(3, 2, { availability: 2, requesterHeld: 9 });
  driver.ask(4, 3, { availability: 2, requesterHeld: 5 });
  driver.ask(5, 4, { availability: 2, requesterHeld: 5 });
  assert.equal(driver.queue.length, 4);
  const order = [driver.end(1, 0), driver.end(4, 3), driver.end(5, 4), driver.end(3, 2)].flat();
  assert.deepEqual(order, [start(4, 3), start(5, 4), start(3, 2), start(2, 1)]);
});

test('more run only while the measured egress is under 98.5 % of the limit, one a sample', () => {
  const driver = new Driver({ activeMin: 2, activeMax: 4, egressMax: 1000 });
  for (let peer = 1; peer <= 6; peer++) driver.ask(peer, peer);
  assert.equal(driver.queue.active, 2);
  driver.do({ type: 'egress', bytesPerSecond: 985 });
  assert.equal(driver.queue.active, 2);
  driver.do({ type: 'egress', bytesPerSecond: 984 });
  assert.equal(driver.queue.active, 3);
  driver.do({ type: 'timer' });
  assert.equal(driver.queue.active, 3);
  for (let sample = 0; sample < 5; sample++) driver.do({ type: 'egress', bytesPerSecond: 1 });
  assert.equal(driver.queue.active, 4, 'the cap holds');
});

test('a queue that was idle begins with two at once and widens by one every five starts', () => {
  const driver = new Driver({ activeMin: 4, egressMax: 1 });
  driver.do({ type: 'egress', bytesPerSecond: 1 });
  for (let peer = 0; peer < 40; peer++) driver.ask(peer, peer);
  const active = [driver.queue.active];
  for (let peer = 0; peer < 12; peer++) {
    driver.end(peer, peer);
    active.push(driver.queue.active);
  }
  assert.deepEqual(active, [2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4]);
  driver.do({ type: 'swarmLeft', swarm: 0 });
  for (let peer = 0; peer < 40; peer++) driver.end(peer, peer);
  assert.equal(driver.queue.active, 0);
  for (let peer = 0; peer < 40; peer++) driver.ask(peer, 100 + peer);
  assert.equal(driver.queue.active, 2);
});

test('without a limit the gate opens as long as more transfers move more bytes, and closes again', () => {
  const driver = new Driver({ activeMin: 2, activeMax: 16 });
  for (let peer = 1; peer <= 40; peer++) driver.ask(peer, peer);
  assert.equal(driver.queue.active, 4);
  // Receivers that take 100 each: every further transfer adds to the egress.
  for (let sample = 0; sample < 100; sample++) {
    driver.nowMs += 20;
    driver.do({ type: 'egress', bytesPerSecond: driver.queue.active * 100 });
  }
  assert.equal(driver.queue.active, 16);
  // A link of 500 in all: more transfers than five add nothing.
  const narrow = new Driver({ activeMin: 2, activeMax: 16 });
  for (let peer = 1; peer <= 40; peer++) narrow.ask(peer, peer);
  let most = 0;
  for (let sample = 0; sample < 500; sample++) {
    narrow.nowMs += 20;
    narrow.do({ type: 'egress', bytesPerSecond: Math.min(500, narrow.queue.active * 100) });
    most = Math.max(most, narrow.queue.active);
  }
  assert.ok(most >= 5 && most <= 7, String(most));
});

test('a blob at its own limit holds no slot, whatever runs and waits of it, and does not hold up another', () => {
  const saturated = new Set<number>();
  const rank = {
    availability: () => 1,
    held: () => 0,
    saturated: (swarm: number) => saturated.has(swarm),
  };
  const driver = new Driver({ activeMin: 2, activeMax: 2 }, rank);
  assert.deepEqual([driver.ask(1, 0), driver.ask(1, 1)].flat(), [start(1, 0), start(1, 1)]);
  assert.deepEqual(driver.ask(1, 7, { swarm: 1 }), []);
  for (let peer = 1; peer <= 20; peer++) assert.deepEqual(driver.ask(peer, 2), []);
  saturated.add(0);
  assert.deepEqual(driver.do({ type: 'timer' }), [{ type: 'start', peer: 1, swarm: 1, piece: 7 }]);
  driver.end(1, 0);
  assert.equal(driver.queue.active, 2, 'nothing more of the blob is started');
  saturated.clear();
  assert.deepEqual(driver.do({ type: 'timer' }), []);
  assert.equal(driver.end(1, 1).length, 1);
});

test('a small piece of a small blob never waits behind large ones', () => {
  const driver = new Driver({ activeMin: 1, egressMax: 1000 });
  driver.ask(1, 0, { bytes: 32 * MiB });
  driver.ask(2, 1, { bytes: 32 * MiB });
  assert.deepEqual(driver.ask(3, 2, { bytes: 10_000, swarm: 7, availability: 50 }), [
    { type: 'start', peer: 3, swarm: 7, piece: 2 },
  ]);
});

test('idle connections come first, and one connection has at most two transfers', () => {
  const driver = new Driver({ activeMin: 8 });
  assert.deepEqual([driver.ask(1, 0), driver.ask(1, 1), driver.ask(1, 2)].flat(), [start(1, 0), start(1, 1)]);
  assert.deepEqual(driver.ask(2, 2, { availability: 9 }), [start(2, 2)]);
  assert.deepEqual(driver.end(1, 0), [start(1, 2)]);
});

test('the first piece of a blob goes before rarer ones', () => {
  const driver = new Driver({ activeMin: 1, egressMax: 1 });
  driver.ask(1, 5);
  driver.ask(2, 7, { availability: 1 });
  driver.ask(3, 0, { availability: 1000 });
  assert.deepEqual(driver.end(1, 5), [start(3, 0)]);
});

test('nobody is passed over for ever', () => {
  const driver = new Driver({ activeMin: 1, egressMax: 1 });
  driver.ask(1, 0);
  driver.ask(99, 99, { availability: 1000 });
  let running = { peer: 1, piece: 0 };
  for (let peer = 2; peer < 98; peer++) {
    driver.ask(peer, peer);
    const [next] = driver.end(running.peer, running.piece);
    assert.ok(next?.type === 'start');
    if (next.peer === 99) return;
    running = next;
  }
  assert.fail('the common piece was never served');
});

test('what is over the bounds is rejected as overloaded, a credit refused', () => {
  const driver = new Driver({ activeMin: 1, egressMax: 1, queueMax: 3, queuePerPeerMax: 2 });
  driver.ask(1, 0);
  driver.ask(1, 1);
  driver.ask(1, 2);
  assert.deepEqual(driver.ask(1, 3), [{ type: 'reject', peer: 1, swarm: 0, piece: 3, reason: 'overloaded' }]);
  driver.ask(2, 1);
  assert.deepEqual(driver.ask(3, 1), [{ type: 'reject', peer: 3, swarm: 0, piece: 1, reason: 'overloaded' }]);
  assert.deepEqual(driver.do({ type: 'credit', peer: 4, swarm: 0, bytes: MiB, requesterHeld: 0 }), [
    { type: 'refuse', peer: 4, swarm: 0 },
  ]);
});

test('a repeated request is one request', () => {
  const driver = new Driver({ activeMin: 1, egressMax: 1 });
  driver.ask(1, 0);
  assert.deepEqual(driver.ask(1, 0), []);
  driver.ask(1, 1);
  driver.ask(1, 1);
  assert.equal(driver.queue.length, 1);
});

test('a cancelled request is never started, a lost peer frees its slots', () => {
  const driver = new Driver({ activeMin: 1, egressMax: 1 });
  driver.ask(1, 0);
  driver.ask(2, 1);
  driver.ask(3, 2);
  driver.do({ type: 'cancel', peer: 2, swarm: 0, piece: 1 });
  assert.deepEqual(driver.do({ type: 'peerLeft', peer: 1 }), [start(3, 2)]);
  assert.deepEqual(driver.end(1, 0), [], 'a late end of a lost peer frees nothing twice');
  assert.equal(driver.queue.active, 1);
});

test('credits hold a slot until their transfer ends or nothing was found', () => {
  const driver = new Driver({ activeMin: 2, egressMax: 1 });
  const credit = (peer: number): UploadAction[] =>
    driver.do({ type: 'credit', peer, swarm: 0, bytes: MiB, requesterHeld: 0 });
  assert.deepEqual(credit(1), [{ type: 'serveCredit', peer: 1, swarm: 0 }]);
  assert.deepEqual(credit(1), [{ type: 'serveCredit', peer: 1, swarm: 0 }]);
  credit(2);
  assert.equal(driver.queue.active, 2);
  assert.deepEqual(driver.end(1, 17), [{ type: 'serveCredit', peer: 2, swarm: 0 }]);
  driver.do({ type: 'creditUnserved', peer: 2, swarm: 0 });
  driver.end(1, 18);
  assert.deepEqual([driver.queue.active, driver.queue.length], [0, 0]);
});

test('a swarm that is left is forgotten, the others are not', () => {
  const driver = new Driver({ activeMin: 1, egressMax: 1 });
  driver.ask(1, 0);
  driver.ask(2, 1, { swarm: 5 });
  driver.ask(3, 1);
  driver.do({ type: 'swarmLeft', swarm: 5 });
  assert.equal(driver.queue.length, 1);
});

test('any sequence: slots and queue stay within their bounds, nothing starts twice, everything is served in the end', () => {
  const event = fc.record({
    kind: fc.constantFrom('ask', 'ask', 'ask', 'end', 'cancel', 'left', 'egress'),
    peer: fc.nat(5),
    piece: fc.nat(7),
    rank: fc.nat(4),
  });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 120 }), (events) => {
      const driver = new Driver({ activeMin: 2, activeMax: 4, egressMax: 1000, queueMax: 12, queuePerPeerMax: 5 });
      const running = new Map<string, { peer: number; piece: number }>();
      const waiting = new Set<string>();
      const take = (actions: UploadAction[]): void => {
        for (const action of actions) {
          if (action.type !== 'start') continue;
          const key = `${action.peer}/${action.piece}`;
          assert.ok(!running.has(key) && waiting.delete(key), `${key} is started without a request`);
          running.set(key, action);
        }
        assert.equal(driver.queue.active, running.size);
        assert.ok(running.size <= 4 && driver.queue.length <= 12);
        assert.equal(driver.queue.length, waiting.size);
      };
      for (const { kind, peer, piece, rank } of events) {
        driver.nowMs += 5;
        const key = `${peer}/${piece}`;
        if (kind === 'ask') {
          const wasKnown = running.has(key) || waiting.has(key);
          driver.queue.handle(
            { type: 'request', peer, swarm: 0, piece, bytes: MiB, availability: rank, requesterHeld: rank },
            driver.nowMs,
          );
          const actions: UploadAction[] = [];
          for (let action = driver.queue.poll(); action; action = driver.queue.poll()) actions.push(action);
          if (!wasKnown && !actions.some((action) => action.type === 'reject')) waiting.add(key);
          take(actions);
        } else if (kind === 'end' && running.delete(key)) take(driver.end(peer, piece));
        else if (kind === 'cancel') {
          waiting.delete(key);
          take(driver.do({ type: 'cancel', peer, swarm: 0, piece }));
        } else if (kind === 'left') {
          const ofPeer = [...running.keys(), ...waiting].filter((each) => each.startsWith(`${peer}/`));
          for (const each of ofPeer) running.delete(each);
          for (const each of ofPeer) waiting.delete(each);
          take(driver.do({ type: 'peerLeft', peer }));
        } else if (kind === 'egress') take(driver.do({ type: 'egress', bytesPerSecond: rank * 300 }));
      }
      for (let round = 0; round < 60 && running.size > 0; round++) {
        const [key, transfer] = [...running][0]!;
        running.delete(key);
        take(driver.end(transfer.peer, transfer.piece));
      }
      assert.deepEqual([driver.queue.active, driver.queue.length], [0, 0]);
    }),
    { numRuns: 200 },
  );
});
