import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { KiB, parseDigest } from '@shoal/core';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import { BlobGate } from '../../../../test/support/upstream/gate.ts';
import { BodyReader } from '../testing/gated-source.ts';
import { digestOfBytes, eventually, World } from '../testing/world.ts';

const name = 'up.example.com_5000/team/app';
const piece = 256 * KiB;
const pieces = 12;
const size = pieces * piece - 1000;

/** Agents without an origin whose clients read a blob of which the upstream has sent the first piece; `sent` is what it sends. */
const start = async (count: number, bytes: Uint8Array, sent = bytes) => {
  await using parts = new AsyncDisposableStack();
  const fake = parts.use(await FakeUpstream.start());
  const world = parts.use(await World.start());
  // The gate lets nothing pass for as long as it likes.
  const upstreams = {
    registries: [{ host: 'up.example.com:5000', url: fake.url, insecure: true }],
    answerMs: '2m',
    stallMs: '2m',
  };
  const deadlines = { firstByteMs: 60_000, trackerMs: 10_000, stallMs: 60_000 };
  const agents = await Promise.all(
    Array.from({ length: count }, (_, index) => world.agent(`agent-${index}`, { upstreams, deadlines })),
  );
  await world.origin.stop();
  const digest = parseDigest(fake.addBlob(bytes));
  const gate = new BlobGate(digest, sent);
  fake.misbehave = gate.answer;
  const path = `/v2/${name}/blobs/${digest}`;
  gate.allow(piece);
  const bodies = await Promise.all(agents.map(async (agent) => new BodyReader(await agent.get(path))));
  const moved = parts.move();
  return { fake, world, agents, gate, digest, path, bodies, [Symbol.asyncDispose]: () => moved.disposeAsync() };
};

const allReach = async (bodies: readonly BodyReader[], bytes: number): Promise<void> => {
  const reached = await Promise.all(bodies.map((body) => body.reaches(bytes)));
  assert.ok(reached.every(Boolean), `all bodies reach byte ${bytes}`);
};

test('with every origin down a blob reaches the clients of all agents while one of them receives it', async () => {
  const bytes = randomBytes(size);
  await using world = await start(3, bytes);
  const { gate, bodies, agents, digest, path, fake } = world;
  for (let count = 1; count < pieces; count++) {
    gate.allow(count * piece);
    await allReach(bodies, count * piece);
  }
  // All bytes but one: nobody can verify anything, and nobody has a byte of the last piece.
  gate.allow(size - 1);
  const head = await agents[0]!.get(path, {}, 'HEAD');
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(size)]);
  assert.ok(bodies.every(({ received }) => received === (pieces - 1) * piece));
  const late = await agents[1]!.get(path, { range: `bytes=${piece}-${2 * piece - 1}` });
  assert.ok(bytes.subarray(piece, 2 * piece).equals(await late.bytes()));
  gate.allow(size);
  await allReach(bodies, size);
  for (const body of bodies) assert.equal(digestOfBytes(body.bytes), digest);
  assert.deepEqual(gate.ranges, [undefined], 'one request for all of it');
  assert.equal(fake.asked('HEAD', '/blobs/'), 1);
  for (const agent of agents) await eventually(async () => (await agent.metric('seeding_blobs')) === 1);
  assert.equal(await world.world.agents(agents, 'direct_fetches_total'), 1);
});

test('when the registry sends other bytes every agent drops them, and no client gets a whole body', async () => {
  const bytes = randomBytes(size);
  const forged = Buffer.from(bytes);
  forged.fill(7, 3 * piece, 3 * piece + 10);
  await using world = await start(3, bytes, forged);
  const { gate, bodies, agents } = world;
  gate.allow((pieces - 1) * piece);
  await allReach(bodies, (pieces - 1) * piece);
  gate.allow(size);
  for (const body of bodies) {
    await assert.rejects(body.reaches(size), /terminated/);
    assert.ok(body.received <= (pieces - 1) * piece);
  }
  for (const agent of agents) await eventually(async () => (await agent.metric('cache_blobs')) === 0);
});

test('without an origin HEAD tells the size by the word of the registry, and fetches nothing', async () => {
  const bytes = randomBytes(size);
  await using world = await start(1, bytes);
  const { fake, agents } = world;
  const other = parseDigest(fake.addBlob(randomBytes(1000)));
  const head = await agents[0]!.get(`/v2/${name}/blobs/${other}`, {}, 'HEAD');
  assert.deepEqual([head.status, head.headers.get('content-length')], [200, '1000']);
  assert.equal(fake.asked('GET', other), 0);
  const absent = `/v2/${name}/blobs/sha256:${'0'.repeat(64)}`;
  assert.equal((await agents[0]!.get(absent, {}, 'HEAD')).status, 404);
});
