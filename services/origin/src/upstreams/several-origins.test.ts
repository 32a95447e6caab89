import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestBytes } from '../testing/registry-client.ts';
import { ringComplete, ringWorld } from '../testing/ring-world.ts';
import type { TestOrigin } from '../testing/test-origin.ts';

type Image = { digest: string; layers: string[]; config: string };

/** As a client without an agent does. */
const pull = async ({ client }: TestOrigin, name: string, { digest, layers, config }: Image, reference = '1') => {
  const manifest = await client.call('GET', `/v2/${name}/manifests/${reference}`);
  assert.deepEqual([manifest.status, manifest.headers['docker-content-digest']], [200, digest]);
  for (const blob of [...layers, config]) {
    const answer = await client.call('GET', `/v2/${name}/blobs/${blob}`);
    assert.deepEqual([answer.status, digestBytes(answer.bytes)], [200, blob]);
  }
};

test('three origins ask the upstream once for each part, whichever of them is asked, and share their answers', async () => {
  await using world = await ringWorld(3, { auth: 'bearer', redirects: true });
  const { fake, origins, host } = world;
  const images = ['1', '2', '3', '4'].map((tag) => fake.addImage('team/app', tag, [700_000, 10]));
  const name = `${host}/team/app`;
  await Promise.all(
    images.flatMap((image, index) => origins.map((origin) => pull(origin, name, image, String(index + 1)))),
  );
  for (const { digest, layers, config } of images) {
    for (const blob of [...layers, config]) assert.equal(fake.asked('GET', blob), 1, blob);
    for (const origin of origins)
      assert.equal((await origin.client.call('GET', `/v2/${name}/manifests/${digest}`)).status, 200);
  }
  assert.equal(fake.asked('GET', '/manifests/'), images.length);
  assert.equal(fake.asked('HEAD', '/blobs/'), 0);
  const versions = await Promise.all(
    origins.map(async ({ client }) => {
      const { bytes } = await client.call('GET', `/shoal/v1/tags/1?repository=${name}`);
      return (JSON.parse(bytes.toString()) as { version: number }).version;
    }),
  );
  assert.equal(typeof versions[0], 'number');
  assert.equal(new Set(versions).size, 1, 'a tag has one version');
});

test('a blob asked for by digest alone is one request, and what is not there two', async () => {
  await using world = await ringWorld(3);
  const { fake, origins, host } = world;
  const { layers, digest } = fake.addImage('team/app', '1', [400_000]);
  const ask = (content: string) =>
    Promise.all(
      origins.map(
        async ({ client }) =>
          (await client.call('GET', `/shoal/v1/metainfo/${content}?repository=${host}/team/app`)).status,
      ),
    );
  assert.equal((await origins[0]!.client.call('GET', `/v2/${host}/team/app/manifests/1`)).status, 200);
  const before = fake.log.length;
  assert.deepEqual(await ask(layers[0]!), [200, 200, 200]);
  assert.deepEqual(await ask(digest), [200, 200, 200]);
  assert.equal(fake.log.length - before, 1);
  assert.deepEqual(await ask(`sha256:${'0'.repeat(64)}`), [404, 404, 404]);
  assert.equal(fake.log.length - before, 3, 'once as a manifest, once as a blob');
});

test('a tag that moves upstream is seen at every origin, and one that is gone is gone at each', async () => {
  await using world = await ringWorld(3);
  const { fake, origins, host } = world;
  fake.addImage('team/app', '1', [10]);
  const digests = () =>
    Promise.all(
      origins.map(async ({ client }) => {
        const answer = await client.call('GET', `/v2/${host}/team/app/manifests/1`);
        return answer.headers['docker-content-digest'] ?? answer.status;
      }),
    );
  await digests();
  const { digest } = fake.addImage('team/app', '1', [20]);
  assert.deepEqual(await digests(), [digest, digest, digest]);
  assert.equal(fake.asked('GET', '/manifests/'), 2);
  fake.tags.delete('team/app:1');
  assert.deepEqual(await digests(), [404, 404, 404]);
});

test('with an origin gone the next one does its work, and it takes it up again', async () => {
  await using world = await ringWorld(3);
  const { fake, origins, host } = world;
  const [first, second, third] = origins as [TestOrigin, TestOrigin, TestOrigin];
  const images = Array.from({ length: 6 }, (_, index) => fake.addImage(`team/app${index}`, '1', [300_000]));
  const pullAll = (from: readonly TestOrigin[]) =>
    Promise.all(
      images.flatMap((image, index) => from.map((origin) => pull(origin, `${host}/team/app${index}`, image))),
    );
  await first.origin.stop();
  await pullAll([second, third]);
  for (const { layers } of images) assert.equal(fake.asked('GET', layers[0]!), 1);
  assert.equal(fake.asked('GET', '/manifests/'), images.length);
  await using again = await first.restart();
  await ringComplete([second, third, again], 2);
  const moved = images.map((_, index) => fake.addImage(`team/app${index}`, '1', [1000]));
  const before = fake.asked('GET', '/manifests/');
  for (const origin of [again, second, third])
    for (const [index, image] of moved.entries()) await pull(origin, `${host}/team/app${index}`, image);
  assert.equal(fake.asked('GET', '/manifests/') - before, moved.length);
});

test('an origin that dies in the middle of a blob leaves it to the next, which goes on where it stopped', async () => {
  await using world = await ringWorld(2);
  const { fake, origins, host } = world;
  const layers = Array.from({ length: 8 }, (_, index) => fake.addBlob(Buffer.alloc(2_000_000, index + 1)));
  const [dying, other] = origins as [TestOrigin, TestOrigin];
  const halted = Promise.withResolvers<void>();
  const held: (() => void)[] = [];
  // The first answer for each blob stops in the middle.
  const begun = new Set<string>();
  fake.misbehave = (request, reply, url) => {
    const blob = layers.find((digest) => url.pathname.endsWith(digest));
    if (blob === undefined || request.method !== 'GET' || begun.has(blob)) return false;
    begun.add(blob);
    const bytes = fake.blobs.get(blob)!;
    reply.writeHead(200, { 'content-length': bytes.length });
    reply.write(bytes.subarray(0, 1_000_000));
    held.push(() => reply.destroy());
    if (begun.size === layers.length) halted.resolve();
    return true;
  };
  const bodies = layers.map((blob) => other.client.call('GET', `/v2/${host}/team/app/blobs/${blob}`));
  await halted.promise;
  await dying.origin.stop();
  for (const let_go of held) let_go();
  for (const [index, answer] of (await Promise.all(bodies)).entries())
    assert.deepEqual([answer.status, digestBytes(answer.bytes)], [200, layers[index]]);
});
