import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestHex, type Digest, KiB, MiB } from '@shoal/core';
import { eventually, pullImage, pushBlob, pushImage, type TestAgent, World } from './testing/world.ts';

const fileOf = (world: World, name: string, digest: Digest): string => {
  const hex = digestHex(digest);
  return join(world.folder, name, 'blobs', 'sha256', hex.slice(0, 2), hex);
};

/** As after kill -9: the marker of a running process is there, and whatever the disk held at that moment. */
const crashed = async (world: World, agent: TestAgent, from: string, to: string): Promise<void> => {
  await cp(join(world.folder, from), join(world.folder, to), { recursive: true });
  await agent.stop();
  // The copy's owner is a process that is gone.
  await writeFile(join(world.folder, to, 'running'), JSON.stringify({ pid: 999_999_999 }));
};

test('the first byte comes before a tenth of the blob is there, and Range works meanwhile', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a', { limits: { downloadBytesPerSecondMax: '8MiB' } });
  const bytes = randomBytes(16 * MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  const answer = await agent.get(`/v2/team/app/blobs/${digest}`);
  const reader = answer.body!.getReader();
  const first = await reader.read();
  const there = (await agent.received('origin')) + (await agent.received('http'));
  assert.ok(there <= bytes.length / 10, `${there} bytes were there`);
  assert.ok(bytes.subarray(0, first.value!.length).equals(first.value!));
  const tail = await agent.get(`/v2/team/app/blobs/${digest}`, { range: 'bytes=-100' });
  assert.equal(tail.status, 206);
  assert.ok(bytes.subarray(-100).equals(await tail.bytes()));
  const soFar = (await agent.received('origin')) + (await agent.received('http'));
  assert.ok(soFar < bytes.length, 'the tail came while the blob was on its way');
  await reader.cancel();
  await eventually(async () => (await agent.metric('downloads_active')) === 0, 10_000);
});

test('a download that a crash interrupted resumes from its bitmap', async () => {
  await using world = await World.start();
  const bytes = randomBytes(8 * MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  const agent = await world.agent('a', { limits: { downloadBytesPerSecondMax: '2MiB' } });
  const leaving = new AbortController();
  void fetch(`${agent.url}/v2/team/app/blobs/${digest}`, { signal: leaving.signal })
    .then(
      (answer) => answer.bytes(),
      () => undefined,
    )
    .catch(() => undefined);
  await eventually(async () => (await agent.received('origin')) > 2 * MiB);
  await new Promise((resolve) => setTimeout(resolve, 1100));
  leaving.abort();
  await crashed(world, agent, 'a', 'crashed');
  await using again = await world.agent('crashed');
  assert.ok(bytes.equals(await again.blob('team/app', digest)));
  const resumed = await again.metric('resumed_bytes_total');
  const fetched = (await again.received('origin')) + (await again.received('http'));
  assert.ok(resumed > MiB, `resumed ${resumed}`);
  assert.equal(resumed + fetched, bytes.length);
});

test('after a crash a cache that was damaged is found out before it is served', async () => {
  await using world = await World.start();
  const image = await pushImage(world.origin, 'team/app', 'v1', [2 * MiB]);
  const layer = image.layers[0]!;
  const agent = await world.agent('a');
  await pullImage(agent, 'team/app', 'v1');
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await crashed(world, agent, 'a', 'crashed');
  const file = await open(fileOf(world, 'crashed', layer.digest), 'r+');
  await file.write(randomBytes(100), 0, 100, 512 * KiB);
  await file.close();
  await using again = await world.agent('crashed');
  assert.equal(await pullImage(again, 'team/app', 'v1'), image.digest);
  assert.equal(await again.metric('pieces_corrupt_total'), 1);
  assert.equal((await again.received('origin')) + (await again.received('http')), 256 * KiB, 'only the damaged piece');
});

test('a restarted agent announces and seeds what it has', async () => {
  await using world = await World.start();
  const image = await pushImage(world.origin, 'team/app', 'v1', [3 * MiB]);
  {
    await using agent = await world.agent('a');
    await pullImage(agent, 'team/app', 'v1');
  }
  await using _again = await world.agent('a');
  await using other = await world.agent('b');
  await world.origin.stop();
  await eventually(async () => (await other.get('/v2/team/app/manifests/v1')).status === 200);
  assert.equal(await pullImage(other, 'team/app', 'v1'), image.digest);
  assert.ok((await other.received('peer')) >= 3 * MiB);
});

test('the quota holds: the least recently used blob goes, what is being read stays', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a', { cache: { quotaBytes: '4MiB', highWater: 1, lowWater: 0.8 } });
  const blobs = await Promise.all(
    Array.from({ length: 5 }, () => pushBlob(world.origin, 'team/app', randomBytes(MiB))),
  );
  for (const digest of blobs) await agent.blob('team/app', digest);
  await eventually(async () => (await agent.metric('cache_evictions_total')) >= 1);
  assert.ok((await agent.metric('cache_bytes')) <= 4 * MiB);
  const { blobs: kept } = await agent.dump<{ blobs: { digest: Digest }[] }>('cache');
  assert.equal(kept[0]?.digest, blobs.at(-1));
  assert.ok(!kept.some(({ digest }) => digest === blobs[0]));
  const held = await agent.get(`/v2/team/app/blobs/${blobs.at(-1)}`);
  for (let round = 0; round < 4; round++) await agent.blob('team/app', blobs[round]!);
  assert.equal((await held.bytes()).length, MiB);
});

test('a blob above the quota passes through, whole and by Range, and nothing of it is kept', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a', { cache: { quotaBytes: '1MiB' } });
  const bytes = randomBytes(3 * MiB + 5);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  assert.ok(bytes.equals(await agent.blob('team/app', digest)));
  const part = await agent.get(`/v2/team/app/blobs/${digest}`, { range: 'bytes=3145700-' });
  assert.ok(bytes.subarray(3_145_700).equals(await part.bytes()));
  assert.equal(await agent.metric('cache_blobs'), 0);
  assert.ok((await agent.metric('pass_throughs_total')) >= 2);
});

test('with the disk full an agent goes on serving, past the cache', async () => {
  await using world = await World.start();
  const image = await pushImage(world.origin, 'team/app', 'v1', [MiB]);
  await using agent = await world.agent('a', { cache: { diskFreeBytesMin: 2 ** 50 } });
  assert.equal(await pullImage(agent, 'team/app', 'v1'), image.digest);
  assert.equal(await agent.metric('cache_bytes'), 0);
  assert.ok((await agent.metric('pass_throughs_total')) >= 3);
});

test('`verify: blob` hashes the whole blob before it counts as complete', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a', { cache: { verify: 'blob' } });
  const bytes = randomBytes(3 * MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  assert.ok(bytes.equals(await agent.blob('team/app', digest)));
  await eventually(async () => (await agent.metric('seeding_blobs')) === 1);
});

test('a blob whose file somebody removed is fetched again, at the first request', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a');
  const bytes = randomBytes(2 * MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  await agent.blob('team/app', digest);
  await eventually(async () => (await agent.metric('seeding_blobs')) === 1);
  await rm(fileOf(world, 'a', digest));
  for (let round = 0; round < 2; round++) assert.ok(bytes.equals(await agent.blob('team/app', digest)));
  assert.equal((await agent.received('origin')) + (await agent.received('http')), 2 * bytes.length);
});

test('a blob whose file was cut short is dropped, and whoever resumes gets it whole', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a');
  const bytes = randomBytes(2 * MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  await agent.blob('team/app', digest);
  await eventually(async () => (await agent.metric('seeding_blobs')) === 1);
  await truncate(fileOf(world, 'a', digest), MiB);
  await assert.rejects(agent.blob('team/app', digest));
  assert.ok(bytes.equals(await agent.blob('team/app', digest)));
});
