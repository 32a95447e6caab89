/** The image of the Dockerfile and the cluster of docker-compose.yml, with a real docker daemon and a real Redis. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { readMetrics } from '../../deploy/local/src/demo/metrics.ts';
import { buildImage, docker, imageId, removeImage } from '../support/docker.ts';
import { requireDocker } from '../support/external.ts';
import { nodeBase, provideImage, redisBase } from './base-images.ts';
import { ComposeCluster, imageOf, root } from './compose-cluster.ts';

process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
// Ports are published on this machine; a daemon without a default bridge has no address to guess that from.
process.env['TESTCONTAINERS_HOST_OVERRIDE'] ??= '127.0.0.1';

const image = `shoal-test:${process.pid}`;
const token = 'only-for-this-machine';

/** `ARG NODE_IMAGE=...` of the Dockerfile. */
const nodeImage = (): string => {
  const [, name = ''] = /^ARG NODE_IMAGE=(\S+)$/m.exec(readFileSync(path.join(root, 'Dockerfile'), 'utf8')) ?? [];
  return name;
};

/** What a machine that is busy with other tests needs, so that no pull ends for lack of time alone. */
const patience = { SHOAL_AGENT_DEADLINES_FIRST_BYTE_MS: '120s', SHOAL_AGENT_DEADLINES_ORIGIN_MS: '30s' };

/** A failed `docker run`. @throws AssertionError when it does not fail */
const failing = async (...args: string[]): Promise<{ readonly code: number; readonly stderr: string }> => {
  const error = await docker('run', '--rm', ...args).then(
    () => assert.fail(`${args.join(' ')} succeeded`),
    (reason: unknown) => reason,
  );
  return error as { code: number; stderr: string };
};

/** What an agent has taken from its peers, in bytes. */
const fromPeers = async (cluster: ComposeCluster, agent: string): Promise<number> =>
  (await readMetrics(`http://${cluster.at(agent, 7022)}/metrics`)).sum('shoal_agent_received_bytes_total', {
    source: 'peer',
  });

/** Pushes a new image of random bytes and pulls it through each of the agents; checks that the same image arrives. */
const pullThrough = async (cluster: ComposeCluster, name: string, agents: readonly string[]): Promise<void> => {
  const origin = cluster.at('origin', 7000);
  const pushed = `${origin}/team/${name}:1`;
  await buildImage(pushed, [6 * MiB, 3 * MiB, 1000]);
  const id = await imageId(pushed);
  await docker('push', '--quiet', pushed);
  await removeImage(id);
  for (const agent of agents) {
    const pulled = `${cluster.at(agent, 7020)}/team/${name}:1`;
    await docker('pull', '--quiet', pulled).catch(async ({ message }: Error) =>
      assert.fail(`${message}\n${(await cluster.logs(agent)).slice(-8000)}`),
    );
    assert.equal(await imageId(pulled), id, `${name} through ${agent}`);
    await removeImage(id);
  }
};

test('containers', { skip: requireDocker(), timeout: 1_200_000 }, async (t) => {
  await provideImage(nodeImage(), nodeBase);
  await provideImage(imageOf('redis'), redisBase);
  await docker('build', '--quiet', '--network', 'host', '--tag', image, root);
  t.after(() => docker('rmi', '--force', image));

  await t.test('the image has the four commands, no shell, and a user without rights', async () => {
    for (const service of ['origin', 'tracker', 'agent']) {
      assert.match(await docker('run', '--rm', image, service, '--help'), new RegExp(`^usage: ${service} `));
    }
    assert.match(await docker('run', '--rm', image), /^usage: shoal <command>/);
    assert.equal((await docker('run', '--rm', image, 'node', '--print', 'process.getuid()')).trim(), '65532');
    assert.match((await failing(image, 'sh')).stderr, /"sh": executable file not found/);
  });

  await t.test('what is wrong with a configuration is said, with exit code 2', async () => {
    const { code, stderr } = await failing('--env', 'SHOAL_AGENT_REGISTRY_PORT=many', image, 'agent');
    assert.equal(code, 2);
    assert.match(stderr, /registry\.port: "?many"? is not allowed/);
  });

  await t.test('the cluster of docker-compose.yml', async (t) => {
    await using cluster = await ComposeCluster.start({ [imageOf('origin')]: image }, { agent: patience });
    const origin = cluster.at('origin', 7000);
    await docker('login', '--username', 'ci', '--password', token, origin);
    t.after(() => docker('logout', origin));

    await t.test('docker pulls through its agents, which have it from each other', async () => {
      await pullThrough(cluster, 'whole', ['agent-1', 'agent-2', 'agent-3']);
      const bytes = (await fromPeers(cluster, 'agent-2')) + (await fromPeers(cluster, 'agent-3'));
      assert.ok(bytes > 9 * MiB, `${bytes} bytes of 18 MiB came from peers`);
    });

    const all = ['agent-1', 'agent-2', 'agent-3'];
    for (const [name, agents] of [
      ['redis', all],
      ['tracker', all],
      ['agent-1', ['agent-2', 'agent-3']],
    ] as const) {
      await t.test(`pulls go on without ${name}`, async () => {
        assert.equal(await cluster.stop(name), 0, await cluster.logs(name));
        await pullThrough(cluster, `without-${name}`, agents);
      });
    }
  });
});
