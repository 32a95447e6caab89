import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { digestOfBytes, pushBlob, type TestAgent, World } from './testing/world.ts';

const zones = ['eu-1', 'us-1'] as const;
/** Of the policy in packages/swarm: a few agents of each zone are none. */
const gatewaysPerZone = 10;
const perZone = gatewaysPerZone + 3;
const size = 4 * MiB;

test('a blob crosses the zones a few times, not once for every agent', async () => {
  await using world = await World.start({ zone: 'eu-1' });
  const digest = await pushBlob(world.origin, 'team/app', randomBytes(size));
  const agents: { readonly agent: TestAgent; readonly zone: string }[] = [];
  for (let n = 0; n < perZone; n++)
    for (const zone of zones)
      agents.push({ zone, agent: await world.agent(`${zone}-${n}`, { zone, deadlines: { fallbackMs: 20_000 } }) });
  const pulled = await Promise.all(agents.map(({ agent }) => agent.blob('team/app', digest)));
  assert.ok(pulled.every((bytes) => digestOfBytes(bytes) === digest));
  const across = await Promise.all(agents.map(({ agent }) => agent.metric('received_cross_zone_bytes_total')));
  const copies = across.reduce((sum, bytes) => sum + bytes, 0) / size;
  assert.ok(copies >= 1 && copies < agents.length / 4, `copies across zones: ${copies}`);
  const local = across.filter((bytes) => bytes === 0).length;
  assert.ok(local >= zones.length * (perZone - gatewaysPerZone), `agents that got all of it in their zone: ${local}`);
});
