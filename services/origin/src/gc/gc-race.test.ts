import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededPrng } from '@shoal/core';
import { spawnOrigin } from '../testing/child-origin.ts';
import { digestBytes, type RegistryClient, types } from '../testing/registry-client.ts';
import { startOrigin, temporaryFolder } from '../testing/test-origin.ts';

const repositories = ['race/one', 'race/two'];
const parts = Array.from({ length: 6 }, (_, index) => Buffer.from(`part ${index}`));

const manifestOf = (indexes: readonly number[]): string => {
  const [config, ...layers] = indexes.map((index) => {
    const part = parts[index] ?? Buffer.alloc(0);
    return { mediaType: types.layer, digest: digestBytes(part), size: part.length };
  });
  return JSON.stringify({ schemaVersion: 2, mediaType: types.image, config, layers });
};

/** As a client pushes: what is there already is not sent again. True when the registry accepted the manifest. */
const push = async (client: RegistryClient, repository: string, text: string): Promise<boolean> => {
  const { config, layers } = JSON.parse(text) as { config: { digest: string }; layers: { digest: string }[] };
  for (const { digest } of [config, ...layers]) {
    if ((await client.call('HEAD', `/v2/${repository}/blobs/${digest}`)).status === 200) continue;
    await client.pushBlob(repository, parts.find((part) => digestBytes(part) === digest) ?? Buffer.alloc(0));
  }
  const { status, code } = await client.pushManifest(repository, digestBytes(text), text);
  if (status !== 201) assert.equal(code, 'MANIFEST_BLOB_UNKNOWN');
  return status === 201;
};

const collect = (client: RegistryClient, graceMs: number) =>
  client.call('POST', '/shoal/v1/gc', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ graceMs }),
  });

const assertWhole = async (client: RegistryClient, repository: string, text: string): Promise<void> => {
  const { config, layers } = JSON.parse(text) as { config: { digest: string }; layers: { digest: string }[] };
  for (const { digest } of [config, ...layers]) {
    const answer = await client.call('GET', `/v2/${repository}/blobs/${digest}`);
    assert.deepEqual([answer.status, digestBytes(answer.bytes)], [200, digest], `${repository} lacks ${digest}`);
  }
};

/** Pushes and deletes of two repositories with common blobs while garbage is collected all the time. */
const race = async (seed: number, graceMs: number): Promise<{ refused: number; accepted: number }> => {
  await using origin = await startOrigin();
  const { client } = origin;
  const random = seededPrng(seed);
  const there = new Map<string, { repository: string; text: string }>();
  const outcome = { refused: 0, accepted: 0 };
  let pushing = true;
  const worker = async (own: string): Promise<void> => {
    for (let round = 0; round < 8; round++) {
      const repository = repositories[Math.floor(random() * 2)] ?? '';
      const text = manifestOf([...parts.keys()].filter(() => random() < 0.5).concat(Math.floor(random() * 6)));
      // Each worker has manifests of its own, so that it knows whether they are there.
      const mine = JSON.stringify({ ...(JSON.parse(text) as object), annotations: { own } });
      const key = `${repository}@${digestBytes(mine)}`;
      if (there.has(key) && random() < 0.7) {
        there.delete(key);
        await client.call('DELETE', `/v2/${repository}/manifests/${digestBytes(mine)}`);
      } else if (await push(client, repository, mine)) {
        outcome.accepted++;
        there.set(key, { repository, text: mine });
        await assertWhole(client, repository, mine);
      } else outcome.refused++;
    }
  };
  const collector = (async () => {
    while (pushing) await collect(client, graceMs);
  })();
  await Promise.all(['a', 'b', 'c'].map(worker));
  pushing = false;
  await collector;
  while ((await collect(client, 0)).status !== 202);
  for (const { repository, text } of there.values()) await assertWhole(client, repository, text);
  return outcome;
};

describe('a push that races with the garbage collection', () => {
  for (const seed of [1, 2]) {
    it(`never loses a blob of a manifest that was accepted, seed ${seed}`, async () => {
      assert.ok((await race(seed, 0)).accepted > 0);
    });
  }

  it('is never refused within the grace period', async () => {
    assert.equal((await race(4, 60_000)).refused, 0);
  });
});

describe('an origin that is killed while it collects garbage', () => {
  it('has all that is reached, and the next run frees the rest', async () => {
    await using folder = await temporaryFolder();
    const names = Array.from({ length: 120 }, (_, index) => Buffer.from(`loose ${index}`));
    let image: { text: string; digest: string };
    {
      await using origin = await spawnOrigin(folder.path);
      image = await origin.client.pushImage('kill/app', 'v1');
      await Promise.all(names.map((name) => origin.client.pushBlob('kill/app', name)));
      assert.equal((await collect(origin.client, 0)).status, 202);
      // Some are gone, others are not.
      while ((await there(origin.client, names.slice(0, 20))) === 20);
      await origin.end('SIGKILL');
    }
    await using origin = await spawnOrigin(folder.path);
    const { client } = origin;
    assert.equal((await client.call('GET', '/v2/kill/app/manifests/v1')).bytes.toString(), image.text);
    await assertWhole(client, 'kill/app', image.text);
    assert.equal((await collect(client, 0)).status, 202);
    let state = 'running';
    while (state === 'running') {
      state = (JSON.parse((await client.call('GET', '/shoal/v1/gc')).bytes.toString()) as { state: string }).state;
      await sleep(5);
    }
    assert.equal(state, 'done');
    assert.equal(await there(client, names), 0);
    await assertWhole(client, 'kill/app', image.text);
    assert.equal(await origin.end('SIGTERM'), 0);
  });
});

const there = async (client: RegistryClient, blobs: readonly Buffer[]): Promise<number> => {
  const answers = await Promise.all(
    blobs.map((blob) => client.call('HEAD', `/v2/kill/app/blobs/${digestBytes(blob)}`)),
  );
  return answers.filter(({ status }) => status === 200).length;
};
