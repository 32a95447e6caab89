import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Digest, KiB } from '@shoal/core';
import { BodyReader, GatedSource } from './testing/gated-source.ts';
import { digestOfBytes, eventually, type TestAgent, urlOf, World } from './testing/world.ts';

const piece = 256 * KiB;
const pieces = 16;
const size = pieces * piece - 1000;
const names = ['a', 'b', 'c', 'd'] as const;

interface Cold extends AsyncDisposable {
  readonly world: World;
  readonly source: GatedSource;
  readonly digest: Digest;
  readonly agents: readonly TestAgent[];
  readonly bodies: readonly BodyReader[];
}

const path = (digest: Digest): string => `/v2/team/app/blobs/${digest}`;

/** Four agents whose clients read a blob that the origin is receiving; the first piece has come. */
const start = async (digest: Digest, bytes: Uint8Array): Promise<Cold> => {
  const source = new GatedSource(digest, bytes);
  const world = await World.start({}, { coldProviders: [source] });
  const agents = await Promise.all(
    names.map((name) => world.agent(name, { deadlines: { firstByteMs: 20_000 }, stop: { timeoutMs: 2000 } })),
  );
  source.allow(piece);
  const answers = await Promise.all(agents.map((agent) => agent.get(path(digest))));
  const bodies = answers.map((answer) => new BodyReader(answer));
  return { world, source, digest, agents, bodies, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
};

const allReach = async (bodies: readonly BodyReader[], bytes: number): Promise<void> => {
  const reached = await Promise.all(bodies.map((body) => body.reaches(bytes)));
  assert.ok(
    reached.every((there) => there),
    `all bodies reach byte ${bytes}`,
  );
};

test('a cold blob reaches the clients of four agents while the origin receives it, the last piece when it is verified', async () => {
  const bytes = randomBytes(size);
  await using cold = await start(digestOfBytes(bytes), bytes);
  const { source, bodies, digest, world, agents } = cold;
  source.breakAt(5 * piece + 777);
  for (let count = 1; count < pieces; count++) {
    // The source has given nothing beyond these pieces, so whatever arrives has flowed while the rest was still missing.
    source.allow(count * piece);
    await allReach(bodies, count * piece);
  }
  // All bytes but one are at the origin: it can verify nothing, and nobody has a byte of the last piece.
  source.allow(size - 1);
  assert.ok(bodies.every(({ received }) => received === (pieces - 1) * piece));
  assert.equal(
    (await fetch(`${urlOf(world.origin.addresses.registry)}${path(digest)}`, { method: 'HEAD' })).status,
    200,
  );
  source.allow(size);
  await allReach(bodies, size);
  for (const body of bodies) assert.equal(digestOfBytes(body.bytes), digest);
  assert.deepEqual(source.opens, [0, 5 * piece + 777], 'one open, and one more where the first broke');
  for (const agent of agents) assert.equal((await agent.blob('team/app', digest)).length, size);
  await eventually(async () => (await agents[0]?.metric('seeding_blobs')) === 1);
  await using late = await world.agent('late');
  assert.equal(digestOfBytes(await late.blob('team/app', digest)), digest);
  assert.equal(source.opens.length, 2, 'it is stored now');
});

test('when the bytes have another digest every agent drops them, and no client gets a whole body', async () => {
  const bytes = randomBytes(size);
  const digest = digestOfBytes(bytes);
  const forged = bytes.slice();
  forged.fill(7, 3 * piece, 3 * piece + 10);
  await using cold = await start(digest, forged);
  const { source, bodies, agents, world } = cold;
  source.allow((pieces - 1) * piece);
  await allReach(bodies, (pieces - 1) * piece);
  source.allow(size);
  for (const body of bodies) {
    await assert.rejects(body.reaches(size), /terminated/);
    assert.ok(body.received <= (pieces - 1) * piece);
  }
  const hex = digest.slice('sha256:'.length);
  const files = names.map((name) => join(world.folder, name, 'blobs', 'sha256', hex.slice(0, 2), hex));
  await eventually(() => files.every((file) => !existsSync(file) && !existsSync(`${file}.meta`)));
  for (const agent of agents) assert.equal(await agent.metric('cache_blobs'), 0);
  await eventually(async () => (await world.agents(agents, 'downloads_active')) === 0);
});

test('an agent that stops in the middle keeps nothing that nobody signed', async () => {
  const bytes = randomBytes(size);
  const digest = digestOfBytes(bytes);
  await using cold = await start(digest, bytes);
  const { source, bodies, agents, world } = cold;
  source.allow(4 * piece);
  await allReach(bodies, 4 * piece);
  await agents[0]?.stop();
  await assert.rejects(async () => bodies[0]?.reaches(size));
  await using again = await world.agent('a');
  assert.equal(await again.metric('cache_blobs'), 0);
  source.allow(size);
  assert.equal(digestOfBytes(await again.blob('team/app', digest)), digest);
  await allReach(bodies.slice(1), size);
  assert.equal(source.opens.length, 1);
});
