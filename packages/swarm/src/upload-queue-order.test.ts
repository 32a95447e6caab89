import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PlainUploadQueue } from './testing/plain-upload-queue.ts';
import { UploadQueue } from './upload-queue.ts';
import type { UploadAction, UploadEvent, UploadRank } from './upload-types.ts';

const MiB = 1024 * 1024;

const poll = (queue: { poll(): UploadAction | undefined }): UploadAction[] => {
  const actions: UploadAction[] = [];
  for (let action = queue.poll(); action; action = queue.poll()) actions.push(action);
  return actions;
};

const peer = fc.nat(6);
const swarm = fc.nat(1);
const piece = fc.nat(9);
const bytes = fc.constantFrom(1000, MiB);
const rank = { availability: fc.nat(3), requesterHeld: fc.nat(3) };
const event: fc.Arbitrary<UploadEvent | 'end'> = fc.oneof(
  { weight: 30, arbitrary: fc.record({ type: fc.constant('request' as const), peer, swarm, piece, bytes, ...rank }) },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('credit' as const), peer, swarm, bytes, requesterHeld: fc.nat(3) }),
  },
  { weight: 20, arbitrary: fc.constant('end' as const) },
  fc.record({ type: fc.constant('cancel' as const), peer, swarm, piece }),
  fc.record({ type: fc.constant('peerLeft' as const), peer }),
  fc.record({ type: fc.constant('swarmLeft' as const), swarm }),
  fc.record({ type: fc.constant('swarmLeft' as const), swarm, peer }),
  fc.record({ type: fc.constant('egress' as const), bytesPerSecond: fc.nat(1200) }),
);

test('any sequence is served in the order that a scan of all entries finds', () => {
  const scenario = fc.record({
    events: fc.array(event, { minLength: 200, maxLength: 500, size: 'max' }),
    ranked: fc.boolean(),
    activeMin: fc.integer({ min: 1, max: 3 }),
    egressMax: fc.constantFrom(1000, undefined),
  });
  let starts = 0;
  const holds = fc.property(scenario, ({ events, ranked, activeMin, egressMax }) => {
    const changing = new Map<string, number>();
    const fresh: UploadRank = {
      availability: (ofSwarm, ofPiece) => changing.get(`${ofSwarm}:${ofPiece}`) ?? 0,
      held: (ofSwarm, ofPeer) => (ofSwarm + ofPeer) % 3,
    };
    const limits = { activeMin, activeMax: 6, egressMax, queueMax: 60, queuePerPeerMax: 20 };
    const options = { limits, ...(ranked && { rank: fresh }) };
    const [queue, plain] = [new UploadQueue(options), new PlainUploadQueue(options)];
    const running: UploadEvent[] = [];
    for (const [nowMs, next] of events.entries()) {
      if (next !== 'end' && next.type === 'request') changing.set(`${next.swarm}:${next.piece}`, next.availability);
      const told = next === 'end' ? running.shift() : next;
      if (!told) continue;
      queue.handle(told, nowMs);
      plain.handle(told, nowMs);
      const actions = poll(queue);
      assert.deepEqual(actions, poll(plain));
      assert.deepEqual([queue.length, queue.active], [plain.length, plain.active]);
      assert.equal(queue.nextTimeoutMs(nowMs), plain.nextTimeoutMs(nowMs));
      for (const action of actions) {
        starts++;
        if (action.type === 'start') running.push({ ...action, type: 'transferEnded' });
        else if (action.type === 'serveCredit') running.push({ ...action, type: 'creditUnserved' });
      }
    }
  });
  fc.assert(holds, { numRuns: 60 });
  assert.ok(starts > 1000);
});

test('with 800 waiting a served request asks for each rank once, and a new one that finds no slot for none', () => {
  let asked = 0;
  const rank: UploadRank = {
    availability: (_swarm, ofPiece) => {
      asked++;
      return ofPiece % 7;
    },
    held: () => 0,
  };
  const queue = new UploadQueue({ rank, limits: { activeMin: 1, egressMax: 1 } });
  const request = (number: number): void => {
    const what = { swarm: 0, bytes: MiB, availability: 0, requesterHeld: 0 };
    queue.handle({ type: 'request', peer: number % 80, piece: number, ...what }, number);
  };
  for (let number = 0; number <= 800; number++) request(number);
  assert.equal(queue.length, 800);
  asked = 0;
  request(801);
  assert.equal(asked, 0);
  queue.handle({ type: 'transferEnded', peer: 0, swarm: 0, piece: 0 }, 802);
  assert.ok(asked <= 801, `asked ${asked} times`);
  assert.equal(queue.length, 800);
});

test('requests of peers that are busy cost no rank', () => {
  let asked = 0;
  const rank: UploadRank = { availability: () => asked++, held: () => 0 };
  const queue = new UploadQueue({ rank, limits: { activeSerial: 8, egressMax: 1 } });
  const what = { type: 'request', swarm: 0, bytes: MiB, availability: 0, requesterHeld: 0 } as const;
  for (let piece = 0; piece < 100; piece++) queue.handle({ ...what, peer: piece % 2, piece }, piece);
  assert.equal(queue.active, 4);
  asked = 0;
  queue.handle({ ...what, peer: 0, piece: 100 }, 100);
  assert.equal(asked, 0);
});
