import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDigest } from '@shoal/core';
import { FakeUpstream } from '../../../test/support/upstream/fake-upstream.ts';
import { BodyReader } from './testing/gated-source.ts';
import { OriginProcesses } from './testing/origin-ring.ts';
import { digestOfBytes, pullImage, type TestAgent, World } from './testing/world.ts';

const name = 'up.example.com_5000/team/app';

interface Several extends AsyncDisposable {
  readonly fake: FakeUpstream;
  readonly origins: OriginProcesses;
  readonly agents: readonly TestAgent[];
}

/** Three origins before one upstream, and agents that know all of them. */
const start = async (agentCount: number): Promise<Several> => {
  await using parts = new AsyncDisposableStack();
  const fake = parts.use(await FakeUpstream.start({ auth: 'bearer', redirects: true }));
  const world = parts.use(await World.start());
  const registries = [{ host: 'up.example.com:5000', url: fake.url, insecure: true }];
  const origins = parts.use(await OriginProcesses.start(3, world.folder, { upstreams: { registries } }));
  const deadlines = { originMs: 10_000, upstreamMs: 30_000, firstByteMs: 60_000 };
  const agents = await Promise.all(
    Array.from({ length: agentCount }, (_, index) =>
      world.agent(`agent-${index}`, { origins: origins.urls, deadlines } as never),
    ),
  );
  const moved = parts.move();
  return { fake, origins, agents, [Symbol.asyncDispose]: () => moved.disposeAsync() };
};

test('with three origins a cold image costs the upstream one request a part, for six agents at once', async () => {
  await using several = await start(6);
  const { fake, agents } = several;
  const image = fake.addImage('team/app', '1', [3_000_000, 1_500_000, 900_000, 200_000]);
  const digests = await Promise.all(agents.map((agent) => pullImage(agent, name, '1')));
  assert.deepEqual(new Set(digests), new Set([image.digest]));
  for (const blob of [...image.layers, image.config]) assert.equal(fake.asked('GET', blob), 1, blob);
  assert.deepEqual(
    [fake.asked('GET', '/manifests/'), fake.asked('HEAD', '/blobs/'), fake.storage.log.length],
    [1, 0, image.layers.length + 1],
  );
});

test('an origin that is killed while it fetches a blob costs no agent its pull', async () => {
  await using several = await start(4);
  const { fake, agents, origins } = several;
  const bytes = Buffer.alloc(4_000_000, 'shoal');
  const digest = parseDigest(fake.addBlob(bytes));
  let begun = 0;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  fake.misbehave = (request, reply, url) => {
    if (!url.pathname.endsWith(`/blobs/${digest}`) || request.method !== 'GET' || begun++ > 0) return false;
    reply.writeHead(200, { 'content-length': bytes.length });
    reply.write(bytes.subarray(0, 2_000_000));
    void released.then(() => reply.destroy());
    return true;
  };
  const bodies = await Promise.all(
    agents.map(async (agent) => new BodyReader(await agent.get(`/v2/${name}/blobs/${digest}`))),
  );
  for (const body of bodies) assert.ok(await body.reaches(1_000_000));
  await origins.killOwner(digest);
  for (const body of bodies) assert.ok(await body.reaches(bytes.length));
  release();
  for (const body of bodies) assert.equal(digestOfBytes(body.bytes), digest);
  assert.equal(fake.storage.log.length, 1, 'the next origin fetched it once');
});
