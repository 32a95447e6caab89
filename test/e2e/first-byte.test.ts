import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { GiB, MiB } from '@shoal/core';
import { request } from 'undici';
import { planLayers } from '../../deploy/local/src/demo/image.ts';
import { pushImage } from '../../deploy/local/src/demo/push.ts';
import type { ClusterNode } from '../../deploy/local/src/index.ts';
import { fullSize, received, testCluster } from '../support/cluster.ts';

const size = fullSize ? GiB : 48 * MiB;
// A blob that fits into `npm test` would be there before its metrics are read on a busy machine: its rate is limited,
// and more of it may have arrived.
const shareMax = fullSize ? 0.1 : 0.25;
const overrides = fullSize ? {} : { agent: { limits: { downloadBytesPerSecondMax: 12 * MiB } } };

/** What the agent had received of the blob when its client had the first byte, in bytes. */
const receivedAtFirstByte = async (agent: ClusterNode, digest: string): Promise<number> => {
  const { body, statusCode } = await request(`${agent.url}/v2/team/app/blobs/${digest}`);
  assert.equal(statusCode, 200);
  await once(body, 'readable');
  const { all } = await received(agent);
  await body.dump({ limit: Number.MAX_SAFE_INTEGER });
  return all;
};

// Eight agents write 8 GiB, which alone takes a slow disk two minutes.
const timeout = fullSize ? 300_000 : 120_000;

for (const count of fullSize ? [1, 8] : [1, 4]) {
  test(
    `the first byte reaches the client long before the blob is there, ${count} agents at once`,
    { timeout },
    async () => {
      await using shoal = await testCluster({ agents: count, overrides });
      const { origin, agents } = shoal.cluster;
      const image = await pushImage(origin.url, {
        repository: 'team/app',
        tag: '1',
        layers: planLayers(size, 1),
        seed: 'first',
      });
      const digest = image.layers[0]?.digest ?? '';
      const atFirstByte = await Promise.all(agents.map((agent) => receivedAtFirstByte(agent, digest)));
      for (const [index, bytes] of atFirstByte.entries()) {
        assert.ok(bytes < size * shareMax, `agent ${index + 1} had ${bytes} of ${size} bytes`);
      }
      for (const agent of agents) assert.ok((await received(agent)).all >= size, 'the whole blob was received');
      assert.deepEqual(shoal.deaths, []);
    },
  );
}
