import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import { startOrigin, type TestOrigin } from '../testing/test-origin.ts';

const kib = 1024;

/** An origin that keeps 1000 KiB of an upstream's blobs. */
const start = async (fetches: object = { keptBytesMax: '1000KiB' }) => {
  const fake = await FakeUpstream.start();
  const registries = [{ host: 'up.example.com:5000', url: fake.url, insecure: true }];
  const origin = await startOrigin({ upstreams: { registries }, fetches });
  const dispose = async (): Promise<void> => {
    await origin[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  };
  return { fake, origin, [Symbol.asyncDispose]: dispose };
};

const blob = (fake: FakeUpstream, size: number, fill: number): string => fake.addBlob(Buffer.alloc(size, fill));
const get = ({ client }: TestOrigin, digest: string, repository = 'up.example.com_5000/team/app') =>
  client.call('GET', `/v2/${repository}/blobs/${digest}`);
const metric = async ({ adminUrl }: TestOrigin, name: string): Promise<number> => {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(new RegExp(`^shoal_origin_${name} (\\d+)`, 'm').exec(text)?.[1]);
};

test('the longest unused blobs of an upstream make room for others, and are fetched again when they are wanted', async () => {
  await using world = await start();
  const { fake, origin } = world;
  const [a, b, c] = [1, 2, 3].map((fill) => blob(fake, 400 * kib, fill)) as [string, string, string];
  for (const digest of [a, b, a, c]) assert.equal((await get(origin, digest)).status, 200);
  assert.equal(await metric(origin, 'pulled_bytes'), 800 * kib);
  assert.equal(await metric(origin, 'pulled_evictions_total'), 1);
  for (const digest of [a, c]) assert.equal((await get(origin, digest)).status, 200);
  assert.deepEqual([fake.asked('GET', a), fake.asked('GET', b), fake.asked('GET', c)], [1, 1, 1]);
  assert.equal((await get(origin, b)).status, 200);
  assert.equal(fake.asked('GET', b), 2);
});

test('what was pushed is never evicted, whoever has it besides', async () => {
  await using world = await start();
  const { fake, origin } = world;
  const pushed = Buffer.alloc(900 * kib, 9);
  const digest = fake.addBlob(pushed);
  assert.equal((await get(origin, digest)).status, 200);
  const put = await origin.client.call('PUT', `/shoal/v1/namespaces/own/app/blobs/${digest}`, { body: pushed });
  assert.equal(put.status, 201);
  for (const fill of [1, 2]) assert.equal((await get(origin, blob(fake, 600 * kib, fill))).status, 200);
  assert.equal((await get(origin, digest, 'own/app')).bytes.length, pushed.length);
  assert.equal(await metric(origin, 'pulled_bytes'), 600 * kib);
});

test('a blob that is larger than all that may be kept is refused, and nothing goes for it', async () => {
  await using world = await start();
  const { fake, origin } = world;
  const small = blob(fake, 500 * kib, 1);
  assert.equal((await get(origin, small)).status, 200);
  const refused = await get(origin, blob(fake, 1001 * kib, 2));
  assert.deepEqual([refused.status, refused.code], [507, 'STORE_FULL']);
  assert.equal(await metric(origin, 'pulled_evictions_total'), 0);
});

test('room is made once for a blob, however many ask for it at the same moment', async () => {
  await using world = await start();
  const { fake, origin } = world;
  const digest = blob(fake, 600 * kib, 1);
  const answers = await Promise.all(Array.from({ length: 8 }, () => get(origin, digest)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(fake.asked('GET', digest), 1);
  assert.equal((await get(origin, blob(fake, 400 * kib, 2))).status, 200);
  assert.equal(await metric(origin, 'pulled_bytes'), 1000 * kib, 'nothing is reserved any more');
});

test('a disk that has to stay free is not filled by what others ask for', async () => {
  await using world = await start({ freeBytesMin: '1023TiB' });
  const { fake, origin } = world;
  const refused = await get(origin, blob(fake, 10 * kib, 1));
  assert.deepEqual([refused.status, refused.code], [507, 'STORE_FULL']);
  assert.match(refused.bytes.toString(), /fetches\.freeBytesMin/);
});

test('the order of use and the bytes are known again after a restart', async () => {
  await using world = await start();
  const { fake, origin } = world;
  const [a, b] = [1, 2].map((fill) => blob(fake, 400 * kib, fill)) as [string, string];
  for (const digest of [a, b]) assert.equal((await get(origin, digest)).status, 200);
  await using again = await origin.restart();
  assert.equal(await metric(again, 'pulled_bytes'), 800 * kib);
  assert.equal((await get(again, blob(fake, 400 * kib, 3))).status, 200);
  assert.equal((await get(again, b)).status, 200);
  assert.deepEqual([fake.asked('GET', a), fake.asked('GET', b)], [1, 1]);
  assert.equal((await get(again, a)).status, 200);
  assert.equal(fake.asked('GET', a), 2, 'the first one had gone');
});
