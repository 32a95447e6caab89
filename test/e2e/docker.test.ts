import assert from 'node:assert/strict';
import { before, describe, test, after } from 'node:test';
import { KiB, MiB } from '@shoal/core';
import type { ClusterNode } from '../../deploy/local/src/index.ts';
import { fullSize, originSent, received, testCluster, type TestCluster } from '../support/cluster.ts';
import { buildImage, docker, imageExists, imageId, removeImage } from '../support/docker.ts';
import { requireDocker } from '../support/external.ts';

const layerSizes = [fullSize ? 200 * 1000 * 1000 : 24 * MiB, 5 * MiB, 300 * KiB, 1000];
/** The origin alone takes 6 s for the image: who meets other agents within a second or two has most of it from them. */
const slowOrigin = {
  limits: { uploadBytesPerSecondMax: Math.ceil(layerSizes.reduce((sum, size) => sum + size, 0) / 6) },
};
const skip = requireDocker();

describe('a real docker daemon', { skip }, () => {
  let shoal: TestCluster;
  let id: string;
  /** What a pull has to move: configuration and layers as the manifest lists them, in bytes. */
  let imageBytes: number;
  let manifestDigest: string;

  const name = (node: ClusterNode): string => `${node.registry}/team/app:1`;

  before(async () => {
    shoal = await testCluster({ agents: 4, overrides: { origin: slowOrigin } });
    const { origin } = shoal.cluster;
    await buildImage(name(origin), layerSizes);
    id = await imageId(name(origin));
    await docker('push', '--quiet', name(origin));
    const answer = await fetch(`${origin.url}/v2/team/app/manifests/1`);
    const manifest = (await answer.json()) as { config: { size: number }; layers: { size: number }[] };
    manifestDigest = answer.headers.get('docker-content-digest') ?? '';
    imageBytes = manifest.layers.reduce((sum, { size }) => sum + size, manifest.config.size);
    assert.equal(manifest.layers.length, layerSizes.length);
  });
  after(async () => {
    await removeImage(id).catch(() => undefined);
    await shoal[Symbol.asyncDispose]();
    assert.deepEqual(shoal.deaths, []);
  });

  /** Pulls through an agent that never had the image; what docker has of it is removed first. */
  const pullThrough = async (agent: ClusterNode): Promise<Awaited<ReturnType<typeof received>>> => {
    await removeImage(id).catch(() => undefined);
    assert.equal(await imageExists(id), false, 'docker has nothing of the image before the pull');
    await docker('pull', '--quiet', name(agent));
    assert.equal(await imageId(name(agent)), id);
    const digests = await docker('image', 'inspect', '--format', '{{join .RepoDigests " "}}', name(agent));
    assert.equal(digests.trim(), `${agent.registry}/team/app@${manifestDigest}`);
    return received(agent);
  };

  /** All bytes came through the swarm, and besides at most the manifest and a few pieces twice (endgame). */
  const assertBytesMoved = (moved: number): void => {
    assert.ok(moved >= imageBytes, `${moved} bytes received, the image has ${imageBytes}`);
    assert.ok(moved <= imageBytes * 1.03 + MiB, `${moved} bytes received, the image has only ${imageBytes}`);
  };

  test('pulls through an agent what it pushed to the origin, and every byte is in the metrics', async () => {
    const [agent] = shoal.cluster.agents;
    assert.ok(agent);
    const moved = await pullThrough(agent);
    assertBytesMoved(moved.all);
    assert.equal(moved.peer, 0, 'there was no other agent that had a piece');
  });

  for (const index of [1, 2]) {
    test(`takes most bytes from peers at pull ${index + 1}`, async () => {
      const agent = shoal.cluster.agents[index];
      assert.ok(agent);
      const moved = await pullThrough(agent);
      assertBytesMoved(moved.all);
      assert.ok(moved.peer > imageBytes / 2, `${moved.peer} of ${imageBytes} bytes came from peers`);
    });
  }

  test('took less than two copies from the origin in three pulls', async () => {
    const sent = await originSent(shoal.cluster.origin);
    assert.ok(sent >= imageBytes && sent < 2 * imageBytes, `the origin sent ${sent} bytes of ${imageBytes}`);
  });

  test('is told by an agent that it does not take pushes, and where they go', async () => {
    const [agent] = shoal.cluster.agents;
    assert.ok(agent);
    await assert.rejects(docker('push', '--quiet', await retag(agent)), /unsupported|405|push/i);
  });

  test('pulls by tag through an agent that never had the image while the origin is down', async () => {
    const agent = shoal.cluster.agents[3];
    assert.ok(agent);
    await shoal.cluster.origin.stop();
    const moved = await pullThrough(agent);
    assertBytesMoved(moved.all);
    assert.equal(moved.origin + moved.http, 0);
  });

  const retag = async (agent: ClusterNode): Promise<string> => {
    const other = `${agent.registry}/team/other:1`;
    await docker('tag', id, other);
    return other;
  };
});
