import assert from 'node:assert/strict';
import { test } from 'node:test';
import { randomBelow, seededPrng } from '@shoal/core';
import { EventQueue } from './event-queue.ts';
import { type Flow, Network } from './network.ts';

/** Max-min by progressive filling, the slow way: the tightest port fixes its flows, again and again. */
const exactRates = (flows: readonly Flow[], up: readonly number[], down: readonly number[]): Map<Flow, number> => {
  const rates = new Map<Flow, number>();
  const ports = [
    ...up.map((capacity, node) => ({ left: capacity, of: (flow: Flow) => flow.from === node })),
    ...down.map((capacity, node) => ({ left: capacity, of: (flow: Flow) => flow.to === node })),
  ];
  while (rates.size < flows.length) {
    const open = flows.filter((flow) => !rates.has(flow));
    const shares = ports.map((port) => (open.some(port.of) ? port.left / open.filter(port.of).length : Infinity));
    const tightest = shares.indexOf(Math.min(...shares));
    const share = shares[tightest]!;
    for (const flow of open.filter(ports[tightest]!.of)) {
      rates.set(flow, share);
      for (const port of ports) if (port.of(flow)) port.left -= share;
    }
  }
  return rates;
};

test('rates are max-min to within a few per cent, and no port carries more than it can', () => {
  for (let seed = 1; seed <= 30; seed++) {
    const prng = seededPrng(seed);
    const events = new EventQueue();
    const network = new Network(events);
    const up = Array.from({ length: 8 }, () => 100 + randomBelow(prng, 900));
    const down = Array.from({ length: 8 }, () => 100 + randomBelow(prng, 900));
    for (let node = 0; node < 8; node++) network.addNode(up[node]!, down[node]!);
    const flows: Flow[] = [];
    for (let step = 0; step < 60; step++) {
      if (prng() < 0.6)
        flows.push(
          network.start(
            { from: randomBelow(prng, 8), to: randomBelow(prng, 8), piece: 0, bytes: 1e9 },
            () => undefined,
          ),
        );
      else if (flows.length > 0) network.stop(flows.splice(randomBelow(prng, flows.length), 1)[0]!);
      network.settle();
      const exact = exactRates(flows, up, down);
      let error = 0;
      for (const flow of flows) error = Math.max(error, Math.abs(network.rate(flow) / exact.get(flow)! - 1));
      assert.ok(error < 0.06, `seed ${seed}, step ${step}: a rate is ${Math.round(error * 100)} % off`);
      for (let node = 0; node < 8; node++) {
        const sent = flows.filter(({ from }) => from === node).reduce((sum, flow) => sum + network.rate(flow), 0);
        const received = flows.filter(({ to }) => to === node).reduce((sum, flow) => sum + network.rate(flow), 0);
        assert.ok(
          sent <= up[node]! * 1.03 && received <= down[node]! * 1.03,
          `seed ${seed}, step ${step}: node ${node} is over its rate`,
        );
      }
    }
  }
});

test('among 100 nodes as many flows as in a swarm have their max-min rates to within 1 % in the mean', () => {
  const prng = seededPrng(7);
  const events = new EventQueue();
  const network = new Network(events);
  const rates = Array.from({ length: 100 }, () => 1000);
  for (const rate of rates) network.addNode(rate, rate);
  const flows: Flow[] = [];
  const errors: number[] = [];
  for (let step = 0; step < 3000; step++) {
    const [from, to] = [randomBelow(prng, 100), randomBelow(prng, 100)];
    if (flows.length < 600) flows.push(network.start({ from, to, piece: 0, bytes: 1e9 }, () => undefined));
    else network.stop(flows.splice(randomBelow(prng, flows.length), 1)[0]!);
    network.settle();
    if (step % 300 !== 299) continue;
    const exact = exactRates(flows, rates, rates);
    for (const flow of flows) errors.push(Math.abs(network.rate(flow) / exact.get(flow)! - 1));
  }
  const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
  const largest = Math.max(...errors);
  assert.ok(mean < 0.01, `the mean error is ${(mean * 100).toFixed(2)} %`);
  assert.ok(largest < 0.25, `the largest error is ${(largest * 100).toFixed(1)} %`);
});

test('a flow takes its bytes over its rate, also when the rate changes under way', () => {
  const events = new EventQueue();
  const network = new Network(events);
  for (let node = 0; node < 3; node++) network.addNode(10, 10);
  const done: [string, number][] = [];
  network.start({ from: 0, to: 1, piece: 0, bytes: 100 }, () => done.push(['first', events.nowMs]));
  events.schedule(5, () =>
    network.start({ from: 0, to: 2, piece: 1, bytes: 100 }, () => done.push(['second', events.nowMs])),
  );
  while (events.step(1000));
  // 50 bytes alone, then 50 at half the rate: 15 ms. The second: 50 by then, the rest alone: 20 ms.
  assert.deepEqual(
    done.map(([name, ms]) => [name, Math.round(ms * 1000) / 1000]),
    [
      ['first', 15],
      ['second', 20],
    ],
  );
});

test('events run in the order of their times, equal times in the order they were scheduled', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const prng = seededPrng(seed);
    const events = new EventQueue();
    const model = new Map<number, { timeMs: number; order: number }>();
    const ran: number[] = [];
    let order = 0;
    for (let step = 0; step < 3000; step++) {
      const slots = [...model.keys()];
      const slot = slots[randomBelow(prng, Math.max(1, slots.length))];
      const timeMs = randomBelow(prng, 50);
      if (slot === undefined || prng() < 0.6) {
        const id: number = events.schedule(timeMs, () => ran.push(id));
        model.set(id, { timeMs, order: order++ });
      } else if (prng() < 0.5) {
        events.move(slot, timeMs);
        model.set(slot, { timeMs, order: order++ });
      } else {
        events.cancel(slot);
        model.delete(slot);
      }
    }
    const expected = [...model].toSorted(([, a], [, b]) => a.timeMs - b.timeMs || a.order - b.order).map(([id]) => id);
    while (events.step());
    assert.deepEqual(ran, expected, `seed ${seed}`);
  }
});
