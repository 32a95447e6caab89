import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Digest, parseDigest } from '@shoal/core';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import { eventually, pullImage, type TestAgent, urlOf, World } from '../testing/world.ts';

const name = 'up.example.com_5000/team/app';

interface Orphans extends AsyncDisposable {
  readonly fake: FakeUpstream;
  readonly world: World;
  readonly agents: readonly TestAgent[];
}

/** Agents that may ask the upstream themselves, and whose only origin is gone. */
const start = async (count: number, origin: 'down' | 'up' = 'down'): Promise<Orphans> => {
  await using parts = new AsyncDisposableStack();
  const fake = parts.use(await FakeUpstream.start({ auth: 'bearer', redirects: true }));
  const world = parts.use(await World.start());
  const upstreams = { registries: [{ host: 'up.example.com:5000', url: fake.url, insecure: true }] };
  const agents = await Promise.all(
    Array.from({ length: count }, (_, index) =>
      world.agent(`agent-${index}`, {
        upstreams,
        deadlines: { firstByteMs: 60_000, trackerMs: 10_000, fallbackMs: 5_000 },
      }),
    ),
  );
  if (origin === 'down') await world.origin.stop();
  const moved = parts.move();
  return { fake, world, agents, [Symbol.asyncDispose]: () => moved.disposeAsync() };
};

test('with every origin down four agents pull a cold image, and its registry is asked once for each part', async () => {
  await using orphans = await start(4);
  const { fake, agents, world } = orphans;
  const image = fake.addImage('team/app', '1', [2_000_000, 300_000, 10]);
  const digests = await Promise.all(agents.map((agent) => pullImage(agent, name, '1')));
  assert.deepEqual(new Set(digests), new Set([image.digest]));
  for (const blob of [...image.layers, image.config]) assert.equal(fake.asked('GET', blob), 1, blob);
  assert.equal(fake.asked('GET', '/manifests/'), 1);
  assert.equal(await world.agents(agents, 'direct_fetches_total'), image.layers.length + 2);
  const manifest = await agents[0]!.get(`/v2/${name}/manifests/1`);
  assert.match(manifest.headers.get('warning') ?? '', /^111 /);
});

test('one that holds the lease and is silent is waited for until it has expired', async () => {
  await using orphans = await start(1);
  const { fake, agents, world } = orphans;
  const digest = parseDigest(fake.addBlob(Buffer.alloc(400_000, 3)));
  const peer = { peerId: '1'.repeat(40), incarnation: 1, address: '127.0.0.1:1', zone: '', role: 'agent' };
  const take = async (): Promise<boolean> => {
    const taken = await fetch(`${urlOf(world.tracker.addresses.api)}/shoal/v1/lease`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ peer, digest }),
    });
    return ((await taken.json()) as { granted: boolean }).granted;
  };
  assert.equal(await take(), true);
  const pulled = agents[0]!.blob(name, digest);
  assert.equal(await take(), true, 'it is renewed');
  assert.equal((await pulled).length, 400_000);
  assert.equal(fake.asked('GET', `/blobs/${digest}`), 1);
  assert.equal(await take(), false, 'the agent holds it now');
});

test('other bytes than the digest names are served to nobody in full and not kept', async () => {
  await using orphans = await start(1);
  const { fake, agents } = orphans;
  const [agent] = agents as [TestAgent];
  const forged = (size: number): Digest => {
    const digest = fake.addBlob(Buffer.alloc(size, 1));
    fake.blobs.set(digest, Buffer.alloc(size, 2));
    return parseDigest(digest);
  };
  // What is of one piece can be told before the answer begins; of the rest the last piece is withheld.
  assert.equal((await agent.get(`/v2/${name}/blobs/${forged(10)}`)).status, 503);
  await assert.rejects(async () => (await agent.get(`/v2/${name}/blobs/${forged(600_000)}`)).bytes(), /terminated/);
  await eventually(async () => (await agent.metric('cache_blobs')) === 0);
});

test('while an origin answers its word counts, and no agent asks another registry', async () => {
  await using orphans = await start(1, 'up');
  const { fake, agents } = orphans;
  fake.addImage('team/app', '1', [10]);
  assert.equal((await agents[0]!.get(`/v2/${name}/manifests/1`)).status, 404);
  assert.equal(fake.log.length, 0);
});
