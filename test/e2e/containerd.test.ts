import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { planLayers } from '../../deploy/local/src/demo/image.ts';
import { pushImage } from '../../deploy/local/src/demo/push.ts';
import type { ClusterNode } from '../../deploy/local/src/index.ts';
import { received, testCluster } from '../support/cluster.ts';
import { requireContainerd } from '../support/external.ts';
import { run } from '../support/run.ts';

const namespace = `shoal-e2e-${process.pid}`;
const ctr = (...args: string[]): Promise<string> => run('ctr', ['--namespace', namespace, ...args]);

/** A hosts folder that sends pulls from the origin's name to the agent, and to the origin when the agent fails. */
const writeHosts = async (folder: string, origin: ClusterNode, agent: ClusterNode): Promise<string> => {
  const hosts = path.join(folder, 'certs.d');
  const registryFolder = path.join(hosts, `${origin.registry.replace(':', '_')}_`);
  await mkdir(registryFolder, { recursive: true });
  const mirror = `[host."${agent.url}"]\n  capabilities = ["pull", "resolve"]\n`;
  await writeFile(path.join(registryFolder, 'hosts.toml'), `server = "${origin.url}"\n\n${mirror}`);
  return hosts;
};

test('containerd pulls through an agent as its mirror', { skip: requireContainerd() }, async () => {
  await using shoal = await testCluster({ agents: 1 });
  const { origin, agents } = shoal.cluster;
  const [agent] = agents;
  assert.ok(agent);
  const layers = planLayers(12 * MiB, 3);
  const image = await pushImage(origin.url, { repository: 'team/app', tag: '1', layers, seed: namespace });
  const hosts = await writeHosts(shoal.folder, origin, agent);
  const name = `${origin.registry}/team/app:1`;
  try {
    await ctr('images', 'pull', '--hosts-dir', hosts, name);
    assert.match(await ctr('images', 'ls'), new RegExp(`${name} .*${image.manifestDigest}`));
    const blobs = await ctr('content', 'ls', '--quiet');
    for (const { digest } of image.layers) assert.ok(blobs.includes(digest), `containerd has ${digest}`);
    const moved = await received(agent);
    assert.ok(moved.all >= image.size - image.manifest.length, `${moved.all} bytes moved through the agent`);
  } finally {
    await ctr('images', 'rm', '--sync', name).catch(() => undefined);
    await run('ctr', ['namespaces', 'rm', namespace]).catch(() => undefined);
  }
  assert.deepEqual(shoal.deaths, []);
});
