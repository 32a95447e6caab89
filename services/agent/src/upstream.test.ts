import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDigest } from '@shoal/core';
import { FakeUpstream, type FakeUpstreamOptions } from '../../../test/support/upstream/fake-upstream.ts';
import { pullImage, pushImage, TestAgent, World } from './testing/world.ts';

/** A cluster with a fake upstream that the origin knows as `up.example.com:5000`. */
const start = async (options: FakeUpstreamOptions = {}, registry: object = {}) => {
  const fake = await FakeUpstream.start(options);
  const entry = { host: 'up.example.com:5000', url: fake.url, insecure: true, ...registry };
  const origin: object = {
    registry: { port: 0, names: ['told.own.example'] },
    upstreams: { registries: [entry], tagRevalidateMs: 0, hurriedMs: 500 },
  };
  const world = await World.start(origin);
  const dispose = async (): Promise<void> => {
    await world[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  };
  return { fake, world, [Symbol.asyncDispose]: dispose };
};

const upstreamName = 'up.example.com_5000/team/app';

test('eight agents pull a cold image at once, and the upstream is asked once for each part', async () => {
  await using parts = await start({ auth: 'bearer', redirects: true });
  const { fake, world } = parts;
  const image = fake.addImage('team/app', '1', [3_000_000, 200_000]);
  const agents = await Promise.all(Array.from({ length: 8 }, (_, index) => world.agent(`agent-${index}`)));
  const digests = await Promise.all(agents.map((agent) => pullImage(agent, upstreamName, '1')));
  assert.deepEqual(new Set(digests), new Set([image.digest]));
  for (const blob of [...image.layers, image.config]) assert.equal(fake.asked('GET', blob), 1, blob);
  assert.equal(fake.asked('GET', '/manifests/'), 1);
});

test('ns names the same repository as the path does, and one name of a repository never stands for another', async () => {
  await using parts = await start();
  const { fake, world } = parts;
  const agent = await world.agent('agent', { registry: { port: 0, names: ['registry.own.example'] } });
  const image = fake.addImage('team/app', '1', [1000]);
  const own = await pushImage(world.origin, 'team/app', '1', [1000]);
  const get = async (path: string) => {
    const answer = await agent.get(path);
    await answer.arrayBuffer();
    return answer.headers.get('docker-content-digest') ?? answer.status;
  };
  assert.equal(await get('/v2/team/app/manifests/1?ns=up.example.com:5000'), image.digest);
  assert.equal(await get(`/v2/${upstreamName}/manifests/1`), image.digest);
  assert.equal(await get(`/v2/${upstreamName}/manifests/1?ns=up.example.com%3A5000`), image.digest);
  assert.equal(await get(`/v2/team/app/manifests/${image.digest}?ns=up.example.com:5000`), image.digest);
  assert.equal(await get(`/v2/team/app/blobs/${image.layers[0]}?ns=up.example.com:5000`), image.layers[0]);
  const { host } = new URL(`http://127.0.0.1:${world.origin.addresses.registry.port}`);
  for (const query of ['', `?ns=${host}`, '?ns=registry.own.example', '?ns=told.own.example'])
    assert.equal(await get(`/v2/team/app/manifests/1${query}`), own.digest, query);
  for (const ns of ['quay.io', 'registry.own.example:5000', 'no host', ''])
    assert.equal(await get(`/v2/team/app/manifests/1?ns=${ns}`), 404, ns);
  assert.equal(fake.asked('HEAD', '') + fake.asked('GET', '') > 0, true);
});

test('a listener of its own stands for one registry, for clients that do not say which one they mean', async () => {
  await using parts = await start();
  const { fake, world } = parts;
  const mirrors = [{ upstream: 'up.example.com:5000', port: 0 }];
  const agent = await world.agent('agent', { registry: { port: 0, mirrors } });
  const image = fake.addImage('team/app', '1', [1000]);
  const own = await pushImage(world.origin, 'team/app', '1', [1000]);
  const mirror = new TestAgent(agent.agent, agent.agent.addresses['mirror of up.example.com:5000']);
  assert.equal(await pullImage(mirror, 'team/app', '1'), image.digest);
  assert.equal(await pullImage(agent, 'team/app', '1'), own.digest);
  const push = await mirror.get('/v2/team/app/blobs/uploads/', {}, 'POST');
  assert.equal(push.status, 405);
});

test('with the upstream down a node that never had the image pulls it by tag, and is told that the tag may be old', async () => {
  await using parts = await start();
  const { fake, world } = parts;
  const image = fake.addImage('team/app', '1', [500_000]);
  const first = await world.agent('first');
  assert.equal(await pullImage(first, upstreamName, '1'), image.digest);
  fake.misbehave = (_request, reply) => {
    reply.writeHead(503).end();
    return true;
  };
  const other = await world.agent('other');
  assert.equal(await pullImage(other, upstreamName, '1'), image.digest);
  const head = await other.get(`/v2/${upstreamName}/manifests/1`, {}, 'HEAD');
  assert.match(head.headers.get('warning') ?? '', /^110 /);
  assert.ok((await other.metric('tags_stale_total')) > 0);
  const unknown = await other.get(`/v2/${upstreamName}/manifests/2`);
  assert.equal(unknown.status, 503);
  assert.match(await unknown.text(), /status 503/);
  assert.equal((await other.dump<{ originsReachable: number }>('swarms')).originsReachable, 1, 'the origin is well');
});

test('what the upstream says reaches the client: schema 1', async () => {
  await using parts = await start();
  const { fake, world } = parts;
  fake.addManifest(
    'team/app',
    'old',
    '{"schemaVersion":1}',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
  );
  const agent = await world.agent('agent');
  const answer = await agent.get(`/v2/${upstreamName}/manifests/old`);
  assert.equal(answer.status, 404);
  assert.match(await answer.text(), /schema 1, which is not supported/);
});

test('an index and its children pass, and a tag that moves is followed', async () => {
  await using parts = await start();
  const { fake, world } = parts;
  const agent = await world.agent('agent');
  const child = fake.addImage('team/app', 'child', [1000]);
  const descriptor = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: child.digest,
    size: fake.manifests.get(child.digest)!.bytes.length,
  };
  const indexType = 'application/vnd.oci.image.index.v1+json';
  const text = JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests: [descriptor] });
  const index = fake.addManifest('team/app', 'multi', text, indexType);
  const answer = await agent.get(`/v2/${upstreamName}/manifests/multi`);
  assert.deepEqual(
    [answer.headers.get('docker-content-digest'), answer.headers.get('content-type'), await answer.text()],
    [index, indexType, text],
  );
  assert.equal(await pullImage(agent, upstreamName, child.digest), child.digest);
  fake.tags.set('team/app:multi', child.digest);
  const moved = await agent.get(`/v2/${upstreamName}/manifests/multi`);
  assert.equal(moved.headers.get('docker-content-digest'), child.digest);
  assert.equal((await agent.blob(upstreamName, parseDigest(child.layers[0]!))).length, 1000);
});
