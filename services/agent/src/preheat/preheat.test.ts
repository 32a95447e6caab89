import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { clusterAuth, clusterFetchJson, loadConfig } from '@shoal/service';
import { Tracker, trackerConfig } from '@shoal/tracker';
import { eventually, pushImage, type TestAgent, urlOf, World } from '../testing/world.ts';

const secret = 'the secret of this test';

/** It is not about being fast. */
const deadlines = { originMs: 30_000, trackerMs: 30_000, peerMs: 10_000, firstByteMs: 60_000 };

/** One that counts nobody as gone on a busy machine. */
const patientTracker = (): Promise<Tracker> => {
  const values = {
    log: { level: 'silent' },
    cluster: { secret },
    api: { port: 0 },
    admin: { port: 0 },
    debug: { port: 0 },
    ui: { enabled: false },
    heartbeat: { intervalMs: 500, ttlMs: '5m' },
  };
  return Tracker.start(loadConfig(trackerConfig, { values }));
};

interface State {
  readonly id: string;
  readonly state: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly failures: readonly { readonly name: string; readonly detail?: string }[];
}

const ask = async (world: World, path: string, json?: unknown): Promise<State> =>
  (await clusterFetchJson(clusterAuth(secret), `${urlOf(world.tracker.addresses.api)}/shoal/v1/${path}`, {
    timeoutMs: 10_000,
    ...(json !== undefined && { json }),
  })) as State;

const ended = async (world: World, { id }: State, kind = 'preheats'): Promise<State> => {
  let state = await ask(world, `${kind}/${id}`);
  await eventually(async () => (state = await ask(world, `${kind}/${id}`)).state !== 'running', 60_000);
  return state;
};

const blobsOf = (agent: TestAgent): Promise<number> => agent.metric('cache_blobs');

test('agents fetch an image that the tracker names to them, those that are selected, once an id', async () => {
  await using world = await World.start({ cluster: { secret } });
  await using tracker = await patientTracker();
  world.tracker = tracker;
  await using first = await world.agent('a', { node: { name: 'one', labels: ['disk=ssd'] }, deadlines });
  await using second = await world.agent('b', { node: { name: 'two' }, deadlines });
  await pushImage(world.origin, 'team/app', '1', [2 * MiB, 300_000]);
  await eventually(async () => (await nodes(world)).length === 2, 60_000);

  const wanted = { id: 'release-1', image: 'team/app:1', nodes: 'label.disk=ssd' };
  const begun = await ask(world, 'preheats', wanted);
  assert.deepEqual([begun.id, begun.counts['waiting']], ['release-1', 1]);
  const done = await ended(world, begun);
  assert.deepEqual([done.state, done.counts['done'], done.failures], ['done', 1, []]);
  assert.deepEqual([await blobsOf(first), await blobsOf(second)], [4, 0]);
  assert.equal((await ask(world, 'preheats', wanted)).state, 'done', 'nothing is done twice');

  const all = await ended(world, await ask(world, 'preheats', { image: 'team/app:1' }));
  assert.deepEqual([all.state, all.counts['done']], ['done', 2]);
  assert.equal(await blobsOf(second), 4);

  const absent = await ended(world, await ask(world, 'preheats', { image: 'team/app:none', nodes: 'name=two' }));
  assert.equal(absent.state, 'failed');
  assert.match(absent.failures[0]?.detail ?? '', /team\/app:none/);
});

test('agents drop the blobs that the tracker names to them, but what is pinned stays', async () => {
  await using world = await World.start({ cluster: { secret } });
  await using tracker = await patientTracker();
  world.tracker = tracker;
  await using first = await world.agent('a', { node: { name: 'one' }, deadlines });
  await using second = await world.agent('b', { node: { name: 'two' }, deadlines });
  const { layers } = await pushImage(world.origin, 'team/app', '1', [2 * MiB, 300_000]);
  const digests = layers.map(({ digest }) => digest);
  for (const agent of [first, second]) for (const digest of digests) await agent.blob('team/app', digest);
  await fetch(`${urlOf(second.agent.addresses.debug)}/debug/cache`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ action: 'pin', digests: digests.slice(0, 1) }),
  });
  await eventually(async () => (await nodes(world)).length === 2, 60_000);
  const begun = await ask(world, 'purges', { digests });
  const done = await ended(world, begun, 'purges');
  assert.deepEqual([done.state, done.counts['done']], ['done', 2]);
  assert.deepEqual([await blobsOf(first), await blobsOf(second)], [0, 1]);
});

const nodes = async (world: World): Promise<readonly unknown[]> =>
  ((await ask(world, 'nodes')) as unknown as { nodes: readonly unknown[] }).nodes;

test('nobody without the secret of the cluster may preheat', async () => {
  await using world = await World.start({ cluster: { secret } });
  const answer = await fetch(`${urlOf(world.tracker.addresses.api)}/shoal/v1/preheats`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ image: 'team/app:1' }),
  });
  assert.equal(answer.status, 401);
});
