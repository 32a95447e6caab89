import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { eventually, pullImage, pushBlob, pushImage, urlOf, World } from './testing/world.ts';

test('with the origin stopped an agent that never had the image pulls it by tag, and says that it may be stale', async () => {
  await using world = await World.start();
  const image = await pushImage(world.origin, 'team/app', 'v1', [2 * MiB, 1000]);
  await using first = await world.agent('a');
  // It learned the keys while the origin was up, and has nothing of the image.
  await using second = await world.agent('b');
  await pullImage(first, 'team/app', 'v1');
  await eventually(async () => (await first.metric('seeding_blobs')) === 4);
  await world.origin.stop();
  const answer = await second.get('/v2/team/app/manifests/v1');
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('warning') ?? '', /^110 /);
  assert.equal(answer.headers.get('content-type'), image.mediaType);
  assert.equal(await pullImage(second, 'team/app', 'v1'), image.digest);
  assert.equal((await second.received('origin')) + (await second.received('http')), 0);
  assert.ok((await second.received('peer')) >= 2 * MiB);
  assert.ok((await second.metric('tags_stale_total')) >= 1);
  const unknown = await second.get('/v2/team/app/manifests/never-pushed');
  assert.equal(unknown.status, 503);
  // And when the origin is back, its word counts again.
  await world.restartOrigin();
  const { digest } = await pushImage(world.origin, 'team/app', 'v1', [10]);
  assert.equal(await pullImage(second, 'team/app', 'v1'), digest);
});

test('an agent that starts while origin and tracker are down serves what it has, and finds its way back', async () => {
  await using world = await World.start();
  const image = await pushImage(world.origin, 'team/app', 'v1', [500_000]);
  {
    await using agent = await world.agent('a');
    await pullImage(agent, 'team/app', 'v1');
  }
  const trackerPort = world.tracker.addresses.api.port;
  await world.origin.stop();
  await world.tracker.stop();
  await using agent = await world.agent('a');
  const readyz = await fetch(`${urlOf(agent.agent.addresses.admin)}/readyz`);
  assert.equal(readyz.status, 200);
  assert.match(((await readyz.json()) as { notes: { origins: string } }).notes.origins, /ECONNREFUSED/);
  assert.equal(await pullImage(agent, 'team/app', 'v1'), image.digest);
  await world.startTracker(trackerPort);
  await world.restartOrigin();
  const again = await pushImage(world.origin, 'team/app', 'v2', [500_000]);
  assert.equal(await pullImage(agent, 'team/app', 'v2'), again.digest);
});

test('with the tracker stopped pulls go on, and a tracker that comes back empty hears of everything again', async () => {
  await using world = await World.start();
  const image = await pushImage(world.origin, 'team/app', 'v1', [MiB]);
  await using first = await world.agent('a');
  await pullImage(first, 'team/app', 'v1');
  const { port } = world.tracker.addresses.api;
  await world.tracker.stop();
  await using second = await world.agent('b');
  assert.equal(await pullImage(second, 'team/app', 'v1'), image.digest);
  await world.startTracker(port);
  const layer = image.layers[0]!.digest;
  const lookup = async () => {
    const body = JSON.stringify({ digest: layer, want: 10 });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${urlOf(world.tracker.addresses.api)}/shoal/v1/lookup`, {
      method: 'POST',
      body,
      headers,
    });
    const { swarms } = (await answer.json()) as { swarms: { peers: unknown[] }[] };
    return swarms.flatMap(({ peers }) => peers).length;
  };
  await eventually(async () => (await lookup()) === 2, 15_000);
});

test('with the piece port of the origin closed the pieces come by HTTP, each verified', async () => {
  await using world = await World.start({ pieces: { port: 0, advertise: '127.0.0.1:1' } });
  await using agent = await world.agent('a');
  const bytes = randomBytes(3 * MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  assert.ok(bytes.equals(await agent.blob('team/app', digest)));
  assert.equal(await agent.received('http'), bytes.length);
});

test('an origin that sends as many bodies as it may is waited for, and its answer does not fail a pull', async () => {
  await using world = await World.start({ pieces: { port: 0, advertise: '127.0.0.1:1' }, pulls: { activeMax: 1 } });
  await using agent = await world.agent('a', { deadlines: { firstByteMs: 60_000 } });
  // More than the buffers of two sockets hold.
  const large = await pushBlob(world.origin, 'team/app', Buffer.alloc(32 * MiB));
  const bytes = randomBytes(MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  const { registry, admin } = world.origin.addresses;
  const holding = connect(registry.port, '127.0.0.1', () =>
    holding.write(`GET /v2/team/app/blobs/${large} HTTP/1.1\r\nHost: x\r\n\r\n`),
  );
  await once(holding, 'readable');
  const pulled = agent.blob('team/app', digest);
  await eventually(async () => {
    const text = await (await fetch(`${urlOf(admin)}/metrics`)).text();
    return /requests_total\{api="control",method="GET",status="503"\} [3-9]/.test(text);
  }, 30_000);
  holding.destroy();
  assert.ok(bytes.equals(await pulled));
  assert.equal(await agent.received('http'), bytes.length);
});

test('with nobody to ask, a pull is refused fast: 503, not a hang and not 500', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a');
  const digest = await pushBlob(world.origin, 'team/app', randomBytes(1000));
  await world.origin.stop();
  for (const path of [
    `/v2/team/app/blobs/${digest}`,
    `/v2/team/app/manifests/${digest}`,
    '/v2/team/app/manifests/v1',
    '/v2/team/app/tags/list',
  ]) {
    const answer = await agent.get(path);
    assert.equal(answer.status, 503, path);
    assert.ok(((await answer.json()) as { errors: unknown[] }).errors.length > 0);
  }
});

test('an origin that dies in the middle of a download: readers get FIN or a 503, and a later pull resumes', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a', {
    limits: { downloadBytesPerSecondMax: '2MiB' },
    deadlines: { stallMs: 1500 },
  });
  const bytes = randomBytes(4 * MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  const answer = await agent.get(`/v2/team/app/blobs/${digest}`);
  assert.equal(answer.status, 200);
  await world.origin.stop();
  await assert.rejects(answer.bytes(), (error: Error) => !/ECONNRESET/.test(String(error.cause)));
  const retry = await agent.get(`/v2/team/app/blobs/${digest}`, { range: `bytes=${bytes.length - 10}-` });
  assert.equal(retry.status, 503);
  await world.restartOrigin();
  await eventually(async () => {
    const again = await agent.get(`/v2/team/app/blobs/${digest}`);
    return again.status === 200 && bytes.equals(await again.bytes());
  }, 10_000);
  const received = (await agent.received('origin')) + (await agent.received('http'));
  assert.equal(received, bytes.length, 'no piece was fetched twice');
});

test('an origin that hangs costs a pull one question, and not the first-byte deadline at every step', async () => {
  await using world = await World.start();
  const image = await pushImage(world.origin, 'team/app', 'v1', [MiB, 1000]);
  await using first = await world.agent('a');
  // Connections are taken and nothing is answered, as by a process that is stopped.
  const hanging = createServer().listen(0, '127.0.0.1');
  await once(hanging, 'listening');
  const { port } = hanging.address() as AddressInfo;
  const file = JSON.parse(await readFile(join(world.folder, 'a', 'cluster.json'), 'utf8')) as { keys: object[] };
  await using second = await world.agent('b', {
    origins: [`http://127.0.0.1:${port}`] as object,
    trust: { keys: file.keys },
    deadlines: { originMs: 2000, firstByteMs: 3800 },
  });
  await pullImage(first, 'team/app', 'v1');
  await eventually(async () => (await first.metric('seeding_blobs')) === 4);
  assert.equal(await pullImage(second, 'team/app', 'v1'), image.digest);
  const unknown = await second.get('/v2/team/app/manifests/never-pushed');
  assert.equal(unknown.status, 503);
  hanging.close();
});
