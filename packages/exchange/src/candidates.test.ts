import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, type PeerId, parsePeerId } from '@shoal/core';
import { DialError, type Link } from '@shoal/transport';
import { Candidates } from './candidates.ts';
import { DialBackoffError } from './dialer.ts';
import { defaultLimits, type ExchangeLimits } from './limits.ts';

const peerIdOf = ({ port }: Address): PeerId => parsePeerId(port.toString(16).padStart(40, '0'));
const at = (port: number): Address => ({ host: '127.0.0.1', port });
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Candidates whose dials and joins are noted; `refuse` decides what fails. */
const harness = (t: { mock: typeof test.mock }, limits: Partial<ExchangeLimits> = {}) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  const dials: number[] = [];
  const joined: number[] = [];
  const refused = new Map<number, Error>();
  const candidates = new Candidates({
    limits: { ...defaultLimits, ...limits },
    clock: () => nowMs,
    connect: async (address) => {
      dials.push(address.port);
      const error = refused.get(address.port);
      if (error) throw error;
      return { open: true, id: address.port, remote: { peerId: peerIdOf(address) } } as unknown as Link;
    },
    join: (link) => joined.push(link.id) > 0,
  });
  const advance = async (ms: number): Promise<void> => {
    nowMs += ms;
    t.mock.timers.tick(ms);
    await settled();
  };
  return { candidates, dials, joined, refused, advance };
};

test('opens so many agents and no more, and the next one when one goes', async (t) => {
  const { candidates, joined, advance } = harness(t, { neighboursOpen: 2, reconnectMs: 50 });
  for (const port of [1, 2, 3, 4]) candidates.add(at(port), 'agent', peerIdOf(at(port)));
  await settled();
  assert.deepEqual(joined, [1, 2]);
  candidates.left(peerIdOf(at(1)), 'linkClosed');
  await settled();
  assert.deepEqual(joined, [1, 2, 3]);
  candidates.left(peerIdOf(at(2)), 'leave');
  candidates.left(peerIdOf(at(3)), 'leave');
  await advance(50);
  assert.deepEqual(joined, [1, 2, 3, 4, 1], 'an ordinary close is no crime, a leave is respected');
  candidates.stop();
});

test('origins are dialled whatever the number of agents', async (t) => {
  const { candidates, joined } = harness(t, { neighboursOpen: 1 });
  candidates.add(at(1), 'agent');
  candidates.add(at(2), 'origin');
  candidates.add(at(3), 'origin');
  await settled();
  assert.deepEqual(joined, [1, 2, 3]);
  candidates.stop();
});

test('an address that fails waits longer each time; one in backoff waits as long as it says', async (t) => {
  const { candidates, dials, refused, advance } = harness(t, { redialMinMs: 100, redialMaxMs: 1000 });
  refused.set(1, new Error('refused'));
  candidates.add(at(1), 'agent');
  await settled();
  await advance(99);
  assert.equal(dials.length, 1);
  await advance(1);
  assert.equal(dials.length, 2);
  await advance(199);
  assert.equal(dials.length, 2);
  refused.set(1, new DialBackoffError('a', 10));
  await advance(1);
  assert.equal(dials.length, 3);
  refused.clear();
  await advance(10);
  assert.equal(dials.length, 4);
  candidates.stop();
});

test('a peer that left is tried again when somebody names it anew', async (t) => {
  const { candidates, joined, advance } = harness(t);
  candidates.add(at(1), 'agent');
  await settled();
  candidates.left(peerIdOf(at(1)), 'leave');
  await advance(60_000);
  assert.deepEqual(joined, [1]);
  candidates.add(at(1), 'agent');
  await settled();
  assert.deepEqual(joined, [1, 1]);
  candidates.stop();
});

test('what it remembers is bounded, and stop() ends all dialling', async (t) => {
  const { candidates, dials, advance } = harness(t, { neighboursOpen: 1, candidatesMax: 3 });
  for (let port = 1; port <= 10; port++) candidates.add(at(port), 'agent');
  await settled();
  candidates.stop();
  candidates.left(peerIdOf(at(1)), 'linkClosed');
  candidates.add(at(11), 'agent');
  await advance(60_000);
  assert.deepEqual(dials, [1]);
});

test('the pauses of a peer that refused start anew once it has joined', async (t) => {
  const { candidates, dials, advance } = harness(t, { redialMinMs: 100, redialMaxMs: 10_000 });
  candidates.add(at(1), 'agent');
  await settled();
  for (const pauseMs of [100, 200, 400]) {
    candidates.left(peerIdOf(at(1)), 'full');
    await advance(pauseMs);
  }
  assert.equal(dials.length, 4);
  candidates.joined(peerIdOf(at(1)));
  candidates.left(peerIdOf(at(1)), 'full');
  await advance(100);
  assert.equal(dials.length, 5);
  candidates.stop();
});

test('a limit of this node does not lengthen the pause of an address', async (t) => {
  const { candidates, dials, refused, advance } = harness(t, { redialMinMs: 100, redialMaxMs: 10_000 });
  refused.set(1, new DialError('a', '256 dials are under way', { local: true }));
  candidates.add(at(1), 'agent');
  await settled();
  for (let round = 0; round < 4; round++) await advance(100);
  assert.equal(dials.length, 5);
  candidates.stop();
});
