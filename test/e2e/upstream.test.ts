import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { MiB } from '@shoal/core';
import { planLayers } from '../../deploy/local/src/demo/image.ts';
import { pullImage } from '../../deploy/local/src/demo/pull.ts';
import { pushImage } from '../../deploy/local/src/demo/push.ts';
import type { ClusterNode } from '../../deploy/local/src/index.ts';
import { fullSize, testCluster, type TestCluster } from '../support/cluster.ts';
import { docker, imageExists, removeImage } from '../support/docker.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { requireContainerd, requireDocker, requireTool } from '../support/external.ts';
import { run } from '../support/run.ts';

const agentCount = fullSize ? 20 : 8;

/** A cluster that pulls through a docker-registry, which it knows as `registry.example.com` and by its address. */
const clusterBehind = (upstream: DockerRegistry, agents: number): Promise<TestCluster> => {
  const reached = { url: upstream.url, insecure: true, tagRevalidateMs: 0 };
  const registries = [
    { host: 'registry.example.com', ...reached },
    { host: upstream.host, ...reached },
  ];
  return testCluster({ agents, overrides: { origin: { upstreams: { registries, hurriedMs: 1000 } } } });
};

describe('docker-registry as upstream', { skip: requireTool('docker-registry') }, () => {
  test(`${agentCount} agents pull a cold image at once: one request a blob and manifest`, async () => {
    await using upstream = await startDockerRegistry();
    const layers = planLayers(fullSize ? 48 * MiB : 24 * MiB, 4);
    const pushed = await pushImage(upstream.url, { repository: 'team/app', tag: '1', layers, seed: 'cold' });
    await using shoal = await clusterBehind(upstream, agentCount);
    const image = { ...pushed, repository: 'registry.example.com/team/app' };
    const pull = (agent: ClusterNode) => pullImage(agent.url, image, { received: () => {} });
    const results = await Promise.all(shoal.cluster.agents.map(pull));
    assert.deepEqual(
      results.flatMap(({ mismatches }) => mismatches),
      [],
    );
    const { config } = JSON.parse(pushed.manifest.toString()) as { config: { digest: string } };
    for (const { digest } of [...pushed.layers, config]) assert.equal(upstream.asked('GET', `/blobs/${digest}`), 1);
    assert.equal(upstream.asked('GET', '/manifests/'), 1);
    assert.deepEqual(shoal.deaths, []);
  });

  test('a node that never had the image pulls it by tag while the upstream is down', async () => {
    await using upstream = await startDockerRegistry();
    const layers = planLayers(2 * MiB, 2);
    const pushed = await pushImage(upstream.url, { repository: 'team/app', tag: '1', layers, seed: 'outage' });
    await using shoal = await clusterBehind(upstream, 2);
    const image = { ...pushed, repository: 'registry.example.com/team/app' };
    const [first, other] = shoal.cluster.agents;
    assert.ok(first && other);
    await pullImage(first.url, image, { received: () => {} });
    await upstream.stop();
    const { mismatches } = await pullImage(other.url, image, { received: () => {} });
    assert.deepEqual(mismatches, []);
    const head = await fetch(`${other.url}/v2/${image.repository}/manifests/1`, { method: 'HEAD' });
    assert.match(head.headers.get('warning') ?? '', /^110 /);
  });

  test('docker pulls by the name of the agent and the upstream', { skip: requireDocker() }, async () => {
    await using upstream = await startDockerRegistry();
    const layers = planLayers(8 * MiB, 3);
    const seed = `docker-${process.pid}`;
    const pushed = await pushImage(upstream.url, { repository: 'team/app', tag: '1', layers, seed });
    await using shoal = await clusterBehind(upstream, 2);
    const imageIdOf = (JSON.parse(pushed.manifest.toString()) as { config: { digest: string } }).config.digest;
    for (const agent of shoal.cluster.agents) {
      const name = `${agent.registry}/registry.example.com/team/app`;
      await docker('pull', '--quiet', `${name}:1`);
      const digests = await docker('image', 'inspect', '--format', '{{join .RepoDigests " "}}', `${name}:1`);
      assert.equal(digests.trim(), `${name}@${pushed.manifestDigest}`);
      await removeImage(imageIdOf);
      assert.equal(await imageExists(imageIdOf), false);
    }
    for (const { digest } of pushed.layers) assert.equal(upstream.asked('GET', digest), 1);
    assert.deepEqual(shoal.deaths, []);
  });

  test(
    'containerd keeps the name of the upstream: ns says which registry it means',
    { skip: requireContainerd() },
    async () => {
      await using upstream = await startDockerRegistry();
      const layers = planLayers(8 * MiB, 3);
      const namespace = `shoal-upstream-${process.pid}`;
      const pushed = await pushImage(upstream.url, { repository: 'team/app', tag: '1', layers, seed: namespace });
      await using shoal = await clusterBehind(upstream, 1);
      const [agent] = shoal.cluster.agents;
      assert.ok(agent);
      const hosts = path.join(shoal.folder, 'certs.d');
      // For every registry, as on a node whose pulls all go through the agent.
      await mkdir(path.join(hosts, '_default'), { recursive: true });
      await writeFile(
        path.join(hosts, '_default', 'hosts.toml'),
        `[host."${agent.url}"]\n  capabilities = ["pull", "resolve"]\n`,
      );
      const ctr = (...args: string[]): Promise<string> => run('ctr', ['--namespace', namespace, ...args]);
      const name = `${upstream.host}/team/app:1`;
      const before = upstream.clients();
      try {
        await ctr('images', 'pull', '--hosts-dir', hosts, name);
        assert.match(await ctr('images', 'ls'), new RegExp(`${name} .*${pushed.manifestDigest}`));
      } finally {
        await ctr('images', 'rm', '--sync', name).catch(() => undefined);
        await run('ctr', ['namespaces', 'rm', namespace]).catch(() => undefined);
      }
      for (const { digest } of pushed.layers) assert.equal(upstream.asked('GET', digest), 1);
      const containerds = [...upstream.clients()].filter((client) => client.startsWith('containerd/'));
      assert.deepEqual([before.size, containerds], [1, []], 'containerd itself did not ask the upstream');
      assert.deepEqual(shoal.deaths, []);
    },
  );
});
