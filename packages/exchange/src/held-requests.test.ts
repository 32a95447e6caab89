import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldRequests } from './held-requests.ts';
import { defaultLimits } from './limits.ts';
import type { Neighbour } from './neighbour.ts';

const harness = (t: { mock: typeof test.mock }) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let nowMs = 0;
  const held = new HeldRequests({ ...defaultLimits, dataTimeoutMs: 100, heldRequestsMax: 2 }, () => nowMs);
  const link: { uplink: object | undefined } = { uplink: undefined };
  const neighbour = { peer: { link } } as unknown as Neighbour;
  const told: string[] = [];
  const ask = (piece: number): void =>
    held.whenUplink({
      neighbour,
      piece,
      run: () => void told.push(`run ${piece}`),
      refuse: () => void told.push(`refuse ${piece}`),
    });
  const advance = (ms: number): void => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  return { held, link, neighbour, told, ask, advance };
};

test('requests run when the data connection comes, in their order and without a timer', (t) => {
  const { held, link, neighbour, told, ask } = harness(t);
  ask(1);
  ask(2);
  ask(3);
  assert.deepEqual(told, ['refuse 3']);
  link.uplink = {};
  held.release(neighbour.peer);
  ask(4);
  assert.deepEqual(told, ['refuse 3', 'run 1', 'run 2', 'run 4']);
  held.close();
});

test('each is refused at its deadline when none comes, and nothing is looked at before', (t) => {
  const { held, told, ask, advance } = harness(t);
  ask(1);
  advance(60);
  ask(2);
  advance(39);
  assert.deepEqual(told, []);
  advance(1);
  assert.deepEqual(told, ['refuse 1']);
  advance(60);
  assert.deepEqual(told, ['refuse 1', 'refuse 2']);
  held.close();
});
