import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '@shoal/core';
import { BodyGate } from './body-gate.ts';

const never = new AbortController().signal;
const busy = { code: 'BUSY', status: 503 };
const gateOf = (activeMax: number, waitMs = 3_600_000) => new BodyGate({ activeMax, waitMs });

test('bodies have a place each up to the bound; small ones need none', async () => {
  const gate = gateOf(2);
  const first = gate.enter(MiB);
  await gate.wait(MiB, never);
  assert.throws(() => gate.enter(MiB), busy);
  assert.equal(gate.enter(64 * KiB), undefined);
  assert.equal(await gate.wait(64 * KiB, never), undefined);
  assert.equal(gate.active, 2);
  first?.[Symbol.dispose]();
  assert.equal(gate.active, 1);
});

test('who waits has its turn in order, and before those who do not wait', async () => {
  const gate = gateOf(2);
  const places = [gate.enter(MiB), gate.enter(MiB)];
  const order: string[] = [];
  const waiting = ['a', 'b'].map(async (name) => {
    using _place = await gate.wait(MiB, never);
    order.push(name);
    await Promise.resolve();
  });
  places[0]?.[Symbol.dispose]();
  assert.throws(() => gate.enter(MiB), busy, 'the place is handed on');
  await Promise.all(waiting);
  assert.deepEqual(order, ['a', 'b']);
  assert.equal(gate.active, 1);
});

test('no more wait than have a place, and none for ever', async () => {
  const gate = gateOf(1, 20);
  gate.enter(MiB);
  const late = gate.wait(MiB, never);
  await assert.rejects(gate.wait(MiB, never), busy);
  await assert.rejects(late, busy);
});

test('a client that leaves while it waits takes no place with it', async () => {
  const gate = gateOf(1);
  const place = gate.enter(MiB);
  const client = new AbortController();
  const left = gate.wait(MiB, client.signal);
  client.abort(new Error('gone'));
  place?.[Symbol.dispose]();
  await assert.rejects(left, /gone/);
  assert.equal(gate.active, 0);
});
