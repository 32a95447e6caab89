import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { MiB } from '@shoal/core';
import { SigningKey } from '@shoal/store';
import { join } from 'node:path';
import { eventually, pullImage, pushBlob, pushImage, World } from './testing/world.ts';

const cluster = { secret: 'a secret of the whole cluster' };

test('with a cluster secret everything works between those who hold it, also past the swarm', async () => {
  await using world = await World.start({ cluster, pieces: { port: 0, advertise: '127.0.0.1:1' } });
  const image = await pushImage(world.origin, 'team/app', 'v1', [2 * MiB]);
  await using first = await world.agent('a');
  assert.equal(await pullImage(first, 'team/app', 'v1'), image.digest);
  assert.ok((await first.received('http')) >= 2 * MiB);
  await using second = await world.agent('b');
  assert.equal(await pullImage(second, 'team/app', 'v1'), image.digest);
  assert.ok((await second.received('peer')) >= MiB);
  assert.equal((await second.get('/v2/team/app/tags/list')).status, 200);
});

test('an agent with another secret gets nothing, and says so fast', async () => {
  await using world = await World.start({ cluster });
  await pushImage(world.origin, 'team/app', 'v1', [1000]);
  await using stranger = await world.agent('a', { cluster: { secret: 'not that secret at all' } });
  assert.equal((await stranger.get('/v2/team/app/manifests/v1')).status, 503);
});

test('metainfo and tags signed by a key that is not pinned are refused', async () => {
  await using world = await World.start();
  const image = await pushImage(world.origin, 'team/app', 'v1', [1000]);
  const { record } = await SigningKey.loadOrCreate(join(world.folder, 'other.pem'));
  await using agent = await world.agent('a', { trust: { keys: [record] } });
  assert.equal((await agent.get('/v2/team/app/manifests/v1')).status, 503);
  assert.equal((await agent.get(`/v2/team/app/blobs/${image.layers[0]!.digest}`)).status, 503);
  assert.ok((await agent.metric('tags_refused_total', { from: 'origin', reason: 'unverified' })) > 0);
});

test('a graceful stop ends a running stream with FIN within its deadline and leaves the tracker', async () => {
  await using world = await World.start();
  const bytes = randomBytes(8 * MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  const agent = await world.agent('a', { limits: { downloadBytesPerSecondMax: '1MiB' }, stop: { timeoutMs: 1000 } });
  const answer = await agent.get(`/v2/team/app/blobs/${digest}`);
  const whole = answer.bytes();
  const broken = assert.rejects(
    whole,
    (error: Error) => !/ECONNRESET/.test(String((error.cause as { code?: string } | undefined)?.code)),
  );
  await agent.stop();
  await broken;
  await eventually(async () => {
    const { port } = world.tracker.addresses.api;
    const headers = { 'content-type': 'application/json' };
    const lookup = await fetch(`http://127.0.0.1:${port}/shoal/v1/lookup`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ digest, want: 5 }),
    });
    const { swarms } = (await lookup.json()) as { swarms: { peers: unknown[] }[] };
    return swarms.flatMap(({ peers }) => peers).length === 0;
  });
  await using again = await world.agent('a');
  assert.ok(bytes.equals(await again.blob('team/app', digest)), 'and its cache goes on where it was');
  assert.ok((await again.metric('resumed_bytes_total')) > 0);
});
