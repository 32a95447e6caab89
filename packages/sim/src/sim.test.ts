import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededPrng } from '@shoal/core';
import { lowerBoundMs } from './bound.ts';
import { type Report, simulate } from './report.ts';
import { scenarioOptions } from './scenarios.ts';
import { type WorldOptions, worldDefaults } from './world-options.ts';

const world = (options: Partial<WorldOptions>): Report => simulate('test', { ...worldDefaults, ...options });
const scenario = (name: string, seed = 1): Report => simulate(name, scenarioOptions(name, seed));
const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(
    Math.abs(actual / expected - 1) <= tolerance,
    `${actual} is not within ${tolerance * 100} % of ${expected}`,
  );

test('one agent downloads from one origin at the full link speed', () => {
  for (const latencyMs of [0.2, 5]) {
    const { makespanMs, originCopies } = world({ agents: 1, latencyMs });
    // Size over rate; the credit window opens within a few round trips.
    near(makespanMs, (256 * 1024 * 1024) / 125_000 + 10 * latencyMs, 0.02);
    assert.equal(originCopies, 1);
  }
});

test('a slow origin feeds the agents at its own rate and sends little more than one copy', () => {
  const { makespanMs, originCopies } = world({ agents: 8, originUp: 25_000 });
  near(makespanMs, (256 * 1024 * 1024) / 25_000, 0.08);
  assert.ok(originCopies < 1.1, String(originCopies));
});

test('a piece goes down a chain of doubling holders: one piece, N agents, log2(N) + 1 piece times', () => {
  const options = {
    pieceCount: 1,
    pieceLength: 64 * 1024 * 1024,
    latencyMs: 0.1,
    upload: { activeMin: 1, activeMax: 1 },
  };
  const pieceMs = options.pieceLength / 125_000;
  near(world({ ...options, agents: 1 }).makespanMs, pieceMs, 0.01);
  for (const agents of [3, 7]) {
    const { makespanMs } = world({ ...options, agents });
    assert.ok(makespanMs >= Math.log2(agents + 1) * pieceMs, `${agents} agents: ${makespanMs / pieceMs} piece times`);
    assert.ok(makespanMs <= (agents + 1) * pieceMs, `${agents} agents: ${makespanMs / pieceMs} piece times`);
  }
});

test('the bound is the formula of the paper', () => {
  const base = { bytes: 1000, pieceLength: 10, agents: 4, origins: 1, agentUp: 1, agentDown: 1, originUp: 1 };
  assert.equal(lowerBoundMs(base), 1000 + 2 * 10);
  assert.equal(lowerBoundMs({ ...base, originUp: 0.5 }), 2000 + 20);
  assert.equal(lowerBoundMs({ ...base, agentDown: 0.25, origins: 4 }), 4000);
  assert.equal(lowerBoundMs({ ...base, agentUp: 0.25, agentDown: 4, originUp: 1 }), 2000 + 2 * 40);
});

test('the scenarios stay under their ratios to the bound and their origin copies', () => {
  for (const [name, ratio, copies] of [
    ['small-16', 1.2, 1.2],
    ['small-32', 1.25, 1.3],
    ['churn-32', 1.4, 1.4],
    ['corrupt-32', 1.35, 1.3],
    ['readers-32', 1.3, 1.3],
    ['unlimited-32', 1.35, 1.3],
  ] as const) {
    const report = scenario(name);
    assert.ok(report.ratio >= 1, `${name}: ${report.ratio} is under the bound`);
    assert.ok(report.ratio <= ratio, `${name}: ratio ${report.ratio}`);
    assert.ok(report.originCopies <= copies, `${name}: ${report.originCopies} copies`);
    assert.ok(report.duplicateRatio < 0.03, `${name}: ${report.duplicateRatio} duplicates`);
  }
});

test('silent deaths are found from the measured rate', () => {
  const { ratio, completed } = scenario('silent-32');
  assert.equal(completed, 28);
  assert.ok(ratio < 1.5, String(ratio));
});

test('whoever sends corrupt pieces is dropped and everybody completes', () => {
  const { completed, corruptPieces, peersDropped } = scenario('corrupt-32');
  assert.equal(completed, 32);
  assert.ok(corruptPieces > 0);
  assert.equal(peersDropped, corruptPieces);
});

test('one seed replays one world, another seed is another', () => {
  const first = scenario('churn-32', 7);
  assert.deepEqual(scenario('churn-32', 7), first);
  assert.notEqual(scenario('churn-32', 8).trace, first.trace);
});

test('everybody completes in random small worlds and no rule is broken', () => {
  for (let seed = 1; seed <= 24; seed++) {
    const prng = seededPrng(seed * 7919);
    const below = (count: number): number => Math.floor(prng() * count);
    const agents = 1 + below(20);
    const options: WorldOptions = {
      ...worldDefaults,
      seed,
      agents,
      origins: 1 + below(3),
      pieceCount: 1 + below(150),
      pieceLength: 2 ** (16 + below(6)),
      agentUp: 12_500 * (1 + below(20)),
      agentDown: 12_500 * (1 + below(20)),
      originUp: 12_500 * (1 + below(20)),
      latencyMs: prng() * 10,
      arrivalSpreadMs: prng() * 2000,
      deaths: below(Math.ceil(agents / 3)),
      deathSpreadMs: prng() * 2000,
      deathSeenMs: prng() < 0.5 ? 20 : 60_000,
      corruptAgents: below(3),
      corruptShare: 0.1,
      readers: prng() < 0.5,
      egressKnown: prng() < 0.5,
    };
    const report = simulate(`random world of seed ${seed}`, options);
    assert.ok(report.completed >= agents - options.deaths, `seed ${seed}: ${report.completed} of ${agents}`);
    assert.ok(report.originCopies >= 1 || options.deaths > 0, `seed ${seed}: ${report.originCopies} copies`);
  }
});
