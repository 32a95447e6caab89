import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededPrng } from '@shoal/core';
import { lowerBoundMs } from './bound.ts';
import { type Report, simulate } from './report.ts';
import { scenarioOptions } from './scenarios.ts';
import { type WorldOptions, worldDefaults } from './world-options.ts';

const world = (options: Partial<WorldOptions>): Report => simulate('test', { ...worldDefaults, ...options });
const near = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(
    Math.abs(actual / expected - 1) <= tolerance,
    `${actual} is not within ${tolerance * 100} % of ${expected}`,
  );

const MiB = 1024 * 1024;
const blobs = (pieceCount: number, pieceLength: number) => [{ bytes: pieceCount * pieceLength, pieceLength }];

test('one agent downloads from one origin at the full link speed', () => {
  for (const latencyMs of [0.2, 5]) {
    const { makespanS, originCopies } = world({ agents: 1, latencyMs });
    // Size over rate; dialling and the credit window take some round trips.
    near(makespanS * 1000, (256 * MiB) / 125_000 + 20 * latencyMs, 0.02);
    assert.equal(originCopies, 1);
  }
});

test('two agents share a transfer: one sends the other what it gets', () => {
  const { makespanS, originCopies } = world({ agents: 2 });
  near(makespanS * 1000, (256 * MiB) / 125_000, 0.1);
  assert.ok(originCopies < 1.2, String(originCopies));
});

test('a slow origin feeds the agents at its own rate and sends little more than one copy', () => {
  const { makespanS, originCopies } = world({ agents: 8, originUp: 25_000 });
  near(makespanS * 1000, (256 * MiB) / 25_000, 0.08);
  assert.ok(originCopies < 1.1, String(originCopies));
});

test('a piece goes down a chain of doubling holders: one piece, N agents, log2(N) + 1 piece times', () => {
  const options = { blobs: blobs(1, 64 * MiB), upload: { activeMin: 1, activeMax: 1 } };
  const pieceMs = (64 * MiB) / 125_000;
  near(world({ ...options, agents: 1 }).makespanS * 1000, pieceMs, 0.01);
  for (const agents of [3, 7]) {
    const times = (world({ ...options, agents }).makespanS * 1000) / pieceMs;
    assert.ok(times >= Math.log2(agents + 1), `${agents} agents: ${times} piece times`);
    assert.ok(times <= agents + 1, `${agents} agents: ${times} piece times`);
  }
});

test('the bound is the formula of the paper', () => {
  const base = {
    bytesOfOne: 1000,
    bytesOfAll: 4000,
    bytesDistinct: 1000,
    pieceBytes: 10,
    agents: 4,
    origins: 1,
    agentUp: 1,
    agentsUp: 4,
    agentDown: 1,
    originUp: 1,
  };
  assert.equal(lowerBoundMs(base), 1000 + 2 * 10);
  assert.equal(lowerBoundMs({ ...base, originUp: 0.5 }), 2000 + 20);
  assert.equal(lowerBoundMs({ ...base, agentDown: 0.25, origins: 4 }), 4000);
  assert.equal(lowerBoundMs({ ...base, agentUp: 0.25, agentsUp: 1, agentDown: 4 }), 2000 + 2 * 40);
});

test('small swarms stay under their ratios to the bound, their origin copies and their duplicates', () => {
  for (const [name, ratio, copies] of [
    ['small-16', 1.2, 1.2],
    ['small-32', 1.25, 1.3],
  ] as const) {
    const report = simulate(name, scenarioOptions(name, 1));
    assert.ok(report.makespanRatio >= 1, `${name}: ${report.makespanRatio} is under the bound`);
    assert.ok(report.makespanRatio <= ratio, `${name}: ratio ${report.makespanRatio}`);
    assert.ok(report.originCopies <= copies, `${name}: ${report.originCopies} copies`);
    assert.ok(report.duplicateRatio < 0.03, `${name}: ${report.duplicateRatio} duplicates`);
  }
});

/** Scenarios with fewer nodes and a smaller blob, so that each runs in a second or two. */
const little = (name: string, options: Partial<WorldOptions> = {}): Report =>
  simulate(name, { ...scenarioOptions(name, 1, 24 / 300), blobs: blobs(256, 2 * MiB), ...options });

test('silent deaths are found from the measured rate', () => {
  const faults = { deaths: 3, originDeaths: 0, deathFromMs: 50, deathSpreadMs: 200, deathSeenMs: 60_000 };
  const { makespanRatio, completed } = little('churn', faults);
  assert.equal(completed, 21);
  assert.ok(makespanRatio < 6, String(makespanRatio));
});

test('deaths of agents and of an origin that are seen cost little', () => {
  const { makespanRatio, completed } = little('churn', { deaths: 3, deathFromMs: 50, deathSpreadMs: 200 });
  assert.equal(completed, 21);
  assert.ok(makespanRatio < 1.5, String(makespanRatio));
});

test('whoever sends corrupt pieces is dropped, no such piece is taken and everybody completes', () => {
  const { completed, corruptPieces, corruptAccepted, peersDropped } = little('corrupt', { corruptAgents: 2 });
  assert.equal(completed, 24);
  assert.ok(corruptPieces > 0);
  assert.equal(corruptAccepted, 0);
  assert.ok(peersDropped > 0 && peersDropped <= corruptPieces);
});

test('nobody waits for slow uplinks, a lost tracker or a healed partition for ever', () => {
  assert.ok(little('slow').makespanRatio < 1.6);
  assert.equal(little('tracker-down', { arrivalSpreadMs: 100, trackerDownFromMs: 120 }).completed, 24);
  assert.equal(little('partition', { partitionFromMs: 100, partitionForMs: 200 }).completed, 24);
});

test('a zone takes a blob in through its gateways, a few times and not once a node', () => {
  const { crossZoneCopies, completed } = little('zones-3');
  assert.equal(completed, 24);
  assert.ok(crossZoneCopies >= 2 && crossZoneCopies < 4, String(crossZoneCopies));
});

test('a cold blob spreads while the origin receives it, and waves follow each other', () => {
  const cold = little('cold');
  assert.ok(cold.makespanRatio >= 1 && cold.makespanRatio < 1.6, String(cold.makespanRatio));
  const rolling = little('rolling', { waves: 4 });
  assert.equal(rolling.completed, 24);
  assert.ok(rolling.waveRatio < 1.6, String(rolling.waveRatio));
});

test('several blobs of several sizes reach everybody who wants them', () => {
  const sizes = [1000, 3 * MiB, 700_000].map((bytes) => ({ bytes, pieceLength: 256 * 1024 }));
  const { completed, originCopies } = world({ agents: 12, blobs: sizes, origins: 3, owners: 2, blobsAtOnce: 2 });
  assert.equal(completed, 12);
  assert.ok(originCopies >= 1);
  assert.equal(world({ agents: 12, blobs: sizes, blobsPerAgent: 2 }).completed, 12);
});

test('ten blobs at once share what a host may have out: as fast as the link, and few pieces come twice', () => {
  const many = Array.from({ length: 20 }, (_, index) => blobs(16 + 2 * index, 256 * 1024)).flat();
  const options = { agents: 20, origins: 3, blobs: many, blobsPerAgent: 10, blobsAtOnce: 10, arrivalSpreadMs: 100 };
  const { p99Ratio, duplicateRatio } = world(options);
  assert.ok(p99Ratio < 1.1, String(p99Ratio));
  // Eight requests a blob, whatever else is under way: 0.027.
  assert.ok(duplicateRatio < 0.02, String(duplicateRatio));
});

test('with 100 nodes the approximate shares are within 2 % of the exact ones in what comes out', () => {
  const options = { agents: 100, blobs: blobs(192, MiB), arrivalSpreadMs: 20 };
  const exact = world({ ...options, shareTolerance: 0 });
  const approximate = world(options);
  near(approximate.makespanS, exact.makespanS, 0.02);
  near(approximate.p50S, exact.p50S, 0.02);
});

test('one seed replays one world, another seed is another', () => {
  const churn = (seed: number): Report => little('churn', { seed, deaths: 3, deathFromMs: 50, deathSpreadMs: 200 });
  const first = churn(7);
  assert.deepEqual(churn(7), first);
  assert.notEqual(churn(8).trace, first.trace);
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
      blobs: blobs(1 + below(150), 2 ** (16 + below(6))),
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
      zones: 1 + below(3),
      slowAgents: below(3),
      slowUp: 5000,
      originReceives: prng() < 0.3 ? 50_000 : 0,
      timeMaxMs: 600_000,
      readers: prng() < 0.5,
      egressKnown: prng() < 0.5,
    };
    const report = simulate(`random world of seed ${seed}`, options);
    assert.ok(report.completed >= agents - options.deaths, `seed ${seed}: ${report.completed} of ${agents}`);
    assert.ok(report.originCopies >= 1 || options.deaths > 0, `seed ${seed}: ${report.originCopies} copies`);
  }
});
