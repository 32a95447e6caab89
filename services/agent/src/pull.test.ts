import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { KiB, MiB } from '@shoal/core';
import { digestOfBytes, eventually, pullImage, pushBlob, pushImage, World } from './testing/world.ts';

test('an image is pulled through the agent, and a second agent gets most of it from its peer', async () => {
  await using world = await World.start();
  const image = await pushImage(world.origin, 'team/app', 'v1', [3 * MiB, 700 * KiB, 0]);
  await using first = await world.agent('a');
  assert.equal(await pullImage(first, 'team/app', 'v1'), image.digest);
  const head = await first.get('/v2/team/app/manifests/v1', {}, 'HEAD');
  assert.equal(head.headers.get('docker-content-digest'), image.digest);
  assert.equal(head.headers.get('content-type'), image.mediaType);
  assert.equal(Number(head.headers.get('content-length')), image.manifest.length);
  await using second = await world.agent('b');
  assert.equal(await pullImage(second, 'team/app', 'v1'), image.digest);
  const total = 3 * MiB + 700 * KiB;
  assert.ok((await second.received('peer')) > total / 2, `peer ${await second.received('peer')}`);
  assert.ok((await first.metric('served_bytes_total', { to: 'peer' })) > total / 2);
  const before = (await second.received('peer')) + (await second.received('origin')) + (await second.received('http'));
  await pullImage(second, 'team/app', 'v1');
  const after = (await second.received('peer')) + (await second.received('origin')) + (await second.received('http'));
  assert.equal(after, before, 'the third pull comes from the cache');
});

test('four agents at once: everyone gets every byte, and the origin does not send it four times', async () => {
  await using world = await World.start();
  const image = await pushImage(world.origin, 'team/app', 'v1', [16 * MiB]);
  const agents = await Promise.all(['a', 'b', 'c', 'd'].map((name) => world.agent(name)));
  const digests = await Promise.all(agents.map((agent) => pullImage(agent, 'team/app', 'v1')));
  assert.deepEqual(new Set(digests), new Set([image.digest]));
  const fromOrigin = await Promise.all(agents.map((agent) => agent.received('origin')));
  const copies = fromOrigin.reduce((sum, bytes) => sum + bytes, 0) / (16 * MiB);
  assert.ok(copies < 3, `origin copies: ${copies}`);
});

test('ranges, 416, an empty blob, HEAD and the generic blob path', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a');
  const bytes = randomBytes(2 * MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  const path = `/v2/team/app/blobs/${digest}`;
  const head = await agent.get(path, {}, 'HEAD');
  assert.equal(head.headers.get('content-length'), String(bytes.length));
  assert.equal(await agent.metric('cache_blobs'), 0, 'who only asks does not start a download');
  const part = await agent.get(path, { range: 'bytes=1000000-1000099' });
  assert.equal(part.status, 206);
  assert.equal(part.headers.get('content-range'), `bytes 1000000-1000099/${bytes.length}`);
  assert.ok(bytes.subarray(1_000_000, 1_000_100).equals(await part.bytes()));
  const tail = await agent.get(path, { range: 'bytes=-10' });
  assert.ok(bytes.subarray(-10).equals(await tail.bytes()));
  assert.equal((await agent.get(path, { range: `bytes=${bytes.length}-` })).status, 416);
  const generic = await agent.get(`/shoal/v1/namespaces/team/app/blobs/${digest}`);
  assert.equal(digestOfBytes(await generic.bytes()), digest);
  const empty = await pushBlob(world.origin, 'team/app', new Uint8Array());
  const answer = await agent.get(`/v2/team/app/blobs/${empty}`);
  assert.equal(answer.status, 200);
  assert.equal((await answer.bytes()).length, 0);
});

test('what is unknown is 404 with an OCI body, and pushes are refused by name of the origin', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a');
  await pushImage(world.origin, 'team/app', 'v1', [10]);
  const codeOf = async (path: string, method = 'GET') => {
    const answer = await agent.get(path, {}, method);
    const { errors } = (await answer.json()) as { errors: { code: string; message: string }[] };
    return [answer.status, errors[0]?.code, errors[0]?.message] as const;
  };
  const absent = `sha256:${'0'.repeat(64)}`;
  assert.deepEqual((await codeOf('/v2/team/app/manifests/none')).slice(0, 2), [404, 'MANIFEST_UNKNOWN']);
  assert.deepEqual((await codeOf('/v2/none/at/all/manifests/v1')).slice(0, 2), [404, 'MANIFEST_UNKNOWN']);
  assert.deepEqual((await codeOf(`/v2/team/app/manifests/${absent}`)).slice(0, 2), [404, 'MANIFEST_UNKNOWN']);
  assert.deepEqual((await codeOf(`/v2/team/app/blobs/${absent}`)).slice(0, 2), [404, 'BLOB_UNKNOWN']);
  assert.deepEqual((await codeOf('/v2/team/app/blobs/sha256:bad')).slice(0, 2), [400, 'DIGEST_INVALID']);
  assert.deepEqual((await codeOf('/v2/none/tags/list')).slice(0, 2), [404, 'NAME_UNKNOWN']);
  const [status, code, message] = await codeOf('/v2/team/app/blobs/uploads/', 'POST');
  assert.deepEqual([status, code], [405, 'UNSUPPORTED']);
  assert.match(message ?? '', /push to the origin: http:\/\/127\.0\.0\.1:\d+/);
  assert.equal((await agent.get('/v2/?ns=docker.io')).status, 200);
  const tags = (await (await agent.get('/v2/team/app/tags/list')).json()) as { tags: string[] };
  assert.deepEqual(tags.tags, ['v1']);
  const referrers = await agent.get(`/v2/team/app/referrers/${absent}`);
  assert.deepEqual(((await referrers.json()) as { manifests: unknown[] }).manifests, []);
});

test('a re-pushed tag is what the very next pull gets, at every agent', async () => {
  await using world = await World.start();
  const agents = await Promise.all(['a', 'b'].map((name) => world.agent(name)));
  for (let round = 0; round < 3; round++) {
    const { digest } = await pushImage(world.origin, 'team/app', 'latest', [1000]);
    for (const agent of agents) assert.equal(await pullImage(agent, 'team/app', 'latest'), digest);
  }
});

test('many readers of one blob share one download, and one that leaves does not end it', async () => {
  await using world = await World.start();
  await using agent = await world.agent('a', { limits: { downloadBytesPerSecondMax: '4MiB' } });
  const bytes = randomBytes(4 * MiB);
  const digest = await pushBlob(world.origin, 'team/app', bytes);
  const leaving = new AbortController();
  const aborted = fetch(`${agent.url}/v2/team/app/blobs/${digest}`, { signal: leaving.signal }).then((answer) =>
    answer.bytes(),
  );
  const readers = Array.from({ length: 5 }, () => agent.blob('team/app', digest));
  await eventually(async () => (await agent.metric('downloads_active')) === 1);
  const { downloads } = await agent.dump<{ downloads: { digest: string }[] }>('swarms');
  assert.deepEqual(
    downloads.map((download) => download.digest),
    [digest],
  );
  leaving.abort();
  await assert.rejects(aborted);
  for (const read of await Promise.all(readers)) assert.ok(bytes.equals(read));
  const received = (await agent.received('origin')) + (await agent.received('http'));
  assert.equal(received, bytes.length);
  await eventually(async () => (await agent.metric('downloads_active')) === 0);
});
