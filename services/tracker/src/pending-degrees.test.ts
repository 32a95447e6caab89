import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PendingDegrees } from './pending-degrees.ts';
import { peerId, swarmId } from './store/peer-store-conformance.ts';

const make = (entriesMax = 100) => {
  const time = { nowMs: 0 };
  return { time, pending: new PendingDegrees({ entriesMax, holdMs: 1000, clock: () => time.nowMs }) };
};

it('counts handouts of a member, by swarm', () => {
  const { pending } = make();
  pending.handedOut(swarmId(1), peerId(1));
  pending.handedOut(swarmId(1), peerId(1));
  pending.handedOut(swarmId(2), peerId(1));
  assert.deepEqual(
    [pending.of(swarmId(1), peerId(1)), pending.of(swarmId(2), peerId(1)), pending.of(swarmId(1), peerId(2))],
    [2, 1, 0],
  );
});

it('forgets them when the member reports, or after a while', () => {
  const { pending, time } = make();
  pending.handedOut(swarmId(1), peerId(1));
  pending.handedOut(swarmId(1), peerId(2));
  pending.reported(swarmId(1), peerId(1));
  assert.deepEqual([pending.of(swarmId(1), peerId(1)), pending.of(swarmId(1), peerId(2))], [0, 1]);
  time.nowMs = 1000;
  assert.equal(pending.of(swarmId(1), peerId(2)), 0);
});

it('holds no more than its bound, the latest', () => {
  const { pending } = make(10);
  for (let n = 0; n < 30; n++) pending.handedOut(swarmId(1), peerId(n));
  const held = Array.from({ length: 30 }, (_, n) => pending.of(swarmId(1), peerId(n)));
  assert.deepEqual(held, [...Array<number>(20).fill(0), ...Array<number>(10).fill(1)]);
});
