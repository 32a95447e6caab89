import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { planLayers } from '../../deploy/local/src/demo/image.ts';
import { pullImage } from '../../deploy/local/src/demo/pull.ts';
import { pushImage } from '../../deploy/local/src/demo/push.ts';
import { received, testCluster } from '../support/cluster.ts';
import { requireTool } from '../support/external.ts';
import { startRedis } from '../support/redis.ts';

const imageBytes = 16 * MiB;
/**
 * The origin alone takes 8 s for the image, so that whoever meets the agents within some seconds has most of it from
 * them, however busy the machine is.
 */
const overrides = { origin: { limits: { uploadBytesPerSecondMax: imageBytes / 8 } } };
const silent = { received: () => undefined };

test('two trackers over one Redis', { skip: requireTool('redis-server', 'redis-cli') }, async (t) => {
  await using redis = await startRedis();
  await using shoal = await testCluster({ agents: 2, trackers: 2, redis: redis.url, overrides });
  const { origin, agents, trackers } = shoal.cluster;
  const layers = planLayers(imageBytes, 2);
  const image = await pushImage(origin.url, { repository: 'team/app', tag: '1', layers, seed: 'redis' });

  await t.test('keep the peers in it', async () => {
    for (const agent of agents) assert.deepEqual((await pullImage(agent.url, image, silent)).mismatches, []);
    assert.notEqual((await redis.cli('DBSIZE')).trim(), '0');
    const second = await received(agents[1]!);
    assert.ok(second.peer > image.size / 2, `${second.peer} of ${image.size} bytes came from the first agent`);
  });

  await t.test('stand in for each other', async () => {
    await trackers[0]?.kill();
    const agent = await shoal.cluster.addAgent();
    assert.deepEqual((await pullImage(agent.url, image, silent)).mismatches, []);
    const moved = await received(agent);
    assert.ok(moved.peer > image.size / 2, `${moved.peer} of ${image.size} bytes came from peers`);
  });
});
