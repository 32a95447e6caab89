import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MiB } from '@shoal/core';
import { planLayers } from '../../deploy/local/src/demo/image.ts';
import { pullImage } from '../../deploy/local/src/demo/pull.ts';
import { pushImage } from '../../deploy/local/src/demo/push.ts';
import type { ClusterNode } from '../../deploy/local/src/index.ts';
import { received, testCluster, type TestCluster } from '../support/cluster.ts';

const silent = { received: () => undefined };

/** Slow enough that a kill meets the middle of a download. */
const overrides = { agent: { limits: { downloadBytesPerSecondMax: 16 * MiB } } };
let shoal: TestCluster;
let origin: ClusterNode;
let agent: ClusterNode;

before(async () => {
  shoal = await testCluster({ agents: 1, overrides });
  origin = shoal.cluster.origin;
  agent = shoal.cluster.agents[0]!;
});
after(async () => {
  await shoal[Symbol.asyncDispose]();
  assert.deepEqual(shoal.deaths, []);
});

test('an agent that is killed in mid-download goes on from its bitmap', async () => {
  const image = await pushImage(origin.url, {
    repository: 'team/app',
    tag: '1',
    layers: planLayers(48 * MiB, 1),
    seed: 'crash',
  });

  let seen = 0;
  const third = Promise.withResolvers<void>();
  const interrupted = pullImage(agent.url, image, {
    received: (bytes) => {
      seen += bytes;
      if (seen > image.size / 3) third.resolve();
    },
  });
  const outcome = interrupted.then(
    () => 'complete',
    () => 'broken',
  );
  await Promise.race([third.promise, outcome]);
  await agent.kill();
  assert.equal(await outcome, 'broken');

  await agent.start();
  const again = await pullImage(agent.url, image, silent);
  assert.deepEqual(again.mismatches, []);
  assert.equal(again.bytes, image.size);
  const moved = await received(agent);
  assert.ok(moved.resumed > image.size / 6, `${moved.resumed} of about ${seen} bytes were not fetched again`);
  assert.ok(moved.all + moved.resumed < image.size * 1.1, `${moved.all} bytes were fetched besides ${moved.resumed}`);
});

test('an image whose push was acknowledged survives a kill of the origin', async () => {
  for (const round of [1, 2]) {
    const layers = planLayers(6 * MiB, 3);
    const image = await pushImage(origin.url, { repository: 'team/app', tag: 'latest', layers, seed: `kill ${round}` });
    await origin.kill();
    await origin.start();
    const pulled = await pullImage(agent.url, image, silent);
    assert.deepEqual(pulled.mismatches, []);
    assert.equal(pulled.bytes, image.size);
  }
});
