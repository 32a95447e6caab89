import assert from 'node:assert/strict';
import { test } from 'node:test';
import { worldBounds } from './bound.ts';
import { scenarioOptions } from './scenarios.ts';
import { World } from './world.ts';

test('no agent of many blobs ends before its arrival and its own downlink allow', () => {
  const world = new World(scenarioOptions('many-blobs', 1, 0.2));
  const arrivals = world.agents.map(({ plan }) => plan.arrivalMs);
  const { makespanMs, nodeMs } = worldBounds(world);
  for (const { plan, wantedBytes } of world.agents) {
    const aloneMs = wantedBytes / world.options.agentDown;
    assert.ok(nodeMs >= aloneMs);
    assert.ok(makespanMs >= plan.arrivalMs - Math.min(...arrivals) + aloneMs);
  }
  assert.ok(makespanMs < nodeMs + world.options.arrivalSpreadMs);
});
