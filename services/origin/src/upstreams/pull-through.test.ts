import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeUpstream, ociImage } from '../../../../test/support/upstream/fake-upstream.ts';
import { digestBytes } from '../testing/registry-client.ts';
import { startOrigin } from '../testing/test-origin.ts';
import { upstreamWorld } from '../testing/upstream-origin.ts';

test('an image is pulled through: every part is asked for once, whoever comes after', async () => {
  await using world = await upstreamWorld({ auth: 'bearer', redirects: true });
  const { fake, origin, host } = world;
  const { digest, layers, config } = fake.addImage('team/app', '1', [700_000, 10]);
  for (let round = 0; round < 2; round++) {
    const manifest = await origin.client.call('GET', `/v2/${host}/team/app/manifests/1`);
    assert.deepEqual([manifest.status, manifest.headers['docker-content-digest']], [200, digest]);
    assert.equal(manifest.headers['content-type'], ociImage);
    assert.deepEqual(manifest.bytes, fake.manifests.get(digest)!.bytes);
    for (const blob of [...layers, config]) {
      const answer = await origin.client.call('GET', `/v2/${host}/team/app/blobs/${blob}`);
      assert.deepEqual([answer.status, digestBytes(answer.bytes)], [200, blob]);
    }
  }
  for (const blob of [...layers, config]) assert.equal(fake.asked('GET', blob), 1);
  assert.deepEqual([fake.asked('GET', '/manifests/'), fake.asked('HEAD', '/manifests/')], [1, 1]);
  assert.equal(fake.asked('HEAD', '/blobs/'), 0);
  assert.equal(fake.storage.authorizationSeen, 0);
});

test('twenty clients at once cost the upstream one request a part', async () => {
  await using world = await upstreamWorld({ auth: 'bearer' });
  const { fake, origin, host } = world;
  const { layers } = fake.addImage('team/app', '1', [300_000]);
  const pull = async () => {
    const manifest = await origin.client.call('GET', `/v2/${host}/team/app/manifests/1`);
    assert.equal(manifest.status, 200);
    assert.equal((await origin.client.call('GET', `/v2/${host}/team/app/blobs/${layers[0]}`)).status, 200);
  };
  await Promise.all(Array.from({ length: 20 }, pull));
  assert.equal(fake.asked('GET', '/manifests/'), 1);
  assert.equal(fake.asked('GET', '/blobs/'), 1);
  assert.equal(fake.tokens.log.length, 1);
});

test('what was pulled is what agents get: signed tag, metainfo and content', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  const { digest, layers } = fake.addImage('team/app', '1', [5000]);
  const query = `repository=${host}/team/app`;
  const tag = await origin.client.call('GET', `/shoal/v1/tags/1?${query}`);
  const record = JSON.parse(tag.bytes.toString()) as { digest: string; repository: string; mediaType: string };
  assert.deepEqual(
    [tag.status, record.digest, record.repository, record.mediaType],
    [200, digest, `${host}/team/app`, ociImage],
  );
  for (const content of [digest, layers[0]]) {
    assert.equal((await origin.client.call('GET', `/shoal/v1/metainfo/${content}?${query}`)).status, 200);
    assert.equal((await origin.client.call('GET', `/shoal/v1/content/${content}?${query}`)).status, 200);
  }
  assert.equal(fake.asked('GET', ''), 2, 'the manifest and the layer');
});

test('content asked for by digest alone: a manifest, or else a blob, or else nothing for a while', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  const { digest, layers } = fake.addImage('team/app', '1', [5000]);
  const metainfo = async (content: string) =>
    (await origin.client.call('GET', `/shoal/v1/metainfo/${content}?repository=${host}/team/app`)).status;
  assert.equal(await metainfo(layers[0]!), 200);
  assert.equal(await metainfo(digest), 200);
  const before = fake.log.length;
  const absent = `sha256:${'0'.repeat(64)}`;
  assert.deepEqual([await metainfo(absent), await metainfo(absent)], [404, 404]);
  assert.equal(fake.log.length - before, 2, 'once as a manifest, once as a blob');
  const manifest = await origin.client.call('GET', `/v2/${host}/team/app/manifests/${digest}`);
  assert.equal(manifest.headers['content-type'], ociImage);
});

test('a tag that moves upstream is seen, one that vanishes is gone, and its manifest stays', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  const first = fake.addImage('team/app', '1', [10]);
  const get = (reference = '1') => origin.client.call('GET', `/v2/${host}/team/app/manifests/${reference}`);
  assert.equal((await get()).headers['docker-content-digest'], first.digest);
  const second = fake.addImage('team/app', '1', [20]);
  assert.equal((await get()).headers['docker-content-digest'], second.digest);
  fake.tags.set('team/app:1', first.digest);
  assert.equal((await get()).headers['docker-content-digest'], first.digest);
  assert.equal(fake.asked('GET', '/manifests/'), 2, 'what is here is not fetched again');
  fake.tags.delete('team/app:1');
  assert.deepEqual([(await get()).status, (await get()).status, (await get(first.digest)).status], [404, 404, 200]);
});

test('within the revalidation time nobody asks; 0 asks every time', async () => {
  await using world = await upstreamWorld({}, { tagRevalidateMs: '1h' });
  const { fake, origin, host } = world;
  fake.addImage('team/app', '1', [10]);
  for (let round = 0; round < 3; round++)
    assert.equal((await origin.client.call('HEAD', `/v2/${host}/team/app/manifests/1`)).status, 200);
  assert.equal(fake.log.length, 1);
});

test('with the upstream down what is known is served with a warning, and what is not is a 502', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  const { digest, layers } = fake.addImage('team/app', '1', [10]);
  const call = (path: string) => origin.client.call('GET', path);
  await call(`/v2/${host}/team/app/manifests/1`);
  await call(`/v2/${host}/team/app/blobs/${layers[0]}`);
  fake.misbehave = (_request, reply) => {
    reply.writeHead(503).end();
    return true;
  };
  const stale = await call(`/v2/${host}/team/app/manifests/1`);
  assert.deepEqual([stale.status, stale.headers['docker-content-digest']], [200, digest]);
  assert.match(String(stale.headers['warning']), /^110 /);
  const record = await call(`/shoal/v1/tags/1?repository=${host}/team/app`);
  assert.match(String(record.headers['warning']), /^110 /);
  assert.equal((await call(`/v2/${host}/team/app/blobs/${layers[0]}`)).status, 200);
  assert.equal((await call(`/v2/${host}/team/app/manifests/2`)).status, 502);
  assert.equal(await world.metric('upstream_stale_total'), 2);
  fake.misbehave = undefined;
  assert.equal((await call(`/v2/${host}/team/app/manifests/2`)).status, 404);
});

test('a layer that another repository has brought is not fetched again, but the upstream is asked whether it is there too', async () => {
  await using world = await upstreamWorld({ auth: 'bearer' });
  const { fake, origin, host } = world;
  const { layers } = fake.addImage('team/app', '1', [1000]);
  const blob = (repository: string) => origin.client.call('GET', `/v2/${host}/${repository}/blobs/${layers[0]}`);
  assert.equal((await blob('team/app')).status, 200);
  assert.equal((await blob('team/other')).status, 200);
  assert.equal((await blob('private/app')).status, 404, 'a private repository shows nothing to the anonymous');
  assert.equal(fake.asked('GET', '/blobs/'), 1);
  assert.ok(fake.log.some(({ method, path }) => method === 'HEAD' && path === `team/other/blobs/${layers[0]}`));
});

test('upstream repositories take no pushes, deletes or uploads', async () => {
  await using world = await upstreamWorld();
  const { origin, host } = world;
  const refused = async (method: string, path: string) => {
    const answer = await origin.client.call(method, path, method === 'GET' ? {} : { body: 'x' });
    assert.deepEqual([answer.status, answer.code], [405, 'UNSUPPORTED'], `${method} ${path}`);
    assert.match(answer.bytes.toString(), /pulled through from another registry/);
  };
  const digest = `sha256:${'0'.repeat(64)}`;
  await refused('POST', `/v2/${host}/team/app/blobs/uploads/`);
  await refused('PUT', `/v2/${host}/team/app/manifests/1`);
  await refused('DELETE', `/v2/${host}/team/app/manifests/1`);
  await refused('PUT', `/shoal/v1/namespaces/${host}/team/app/blobs/${digest}`);
  await origin.client.pushImage('team/app', '1');
  assert.equal((await origin.client.call('GET', '/v2/team/app/manifests/1')).status, 200);
  assert.equal((await origin.client.call('GET', `/v2/${host}/team/app/manifests/1`)).status, 404, 'names do not mix');
});

test('only the allowed repositories, and only configured hosts', async () => {
  await using world = await upstreamWorld({}, { repositories: ['team/*', 'library/alpine'] });
  const { fake, origin, host } = world;
  for (const repository of ['team/app', 'library/alpine', 'library/alpine2', 'other/app'])
    fake.addImage(repository, '1', [1]);
  const status = async (path: string) => (await origin.client.call('GET', `/v2/${path}/manifests/1`)).status;
  assert.deepEqual([await status(`${host}/team/app`), await status(`${host}/library/alpine`)], [200, 200]);
  const before = fake.log.length;
  assert.deepEqual([await status(`${host}/library/alpine2`), await status(`${host}/other/app`)], [404, 404]);
  assert.equal(await status('quay.io/team/app'), 404);
  assert.equal(fake.log.length, before);
});

test('ns means the upstream; a name of the origin its own repositories; an unknown one nothing', async () => {
  await using fake = await FakeUpstream.start();
  await using origin = await startOrigin({
    registry: { port: 0, names: ['registry.own.example'] },
    upstreams: { registries: [{ host: 'up.example.com:5000', url: fake.url, insecure: true }] },
  });
  const { digest } = fake.addImage('team/app', '1', [1]);
  const own = await origin.client.pushImage('team/app', '1');
  const get = async (query: Record<string, string>) => {
    const answer = await origin.client.call('GET', '/v2/team/app/manifests/1', { query });
    return answer.headers['docker-content-digest'] ?? answer.status;
  };
  assert.equal(await get({}), own.digest);
  assert.equal(await get({ ns: 'up.example.com:5000' }), digest);
  assert.equal(await get({ ns: 'registry.own.example' }), own.digest);
  assert.equal(await get({ ns: 'quay.io' }), 404);
});

test('lists come from the upstream, referrers by API or tag', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  const { digest } = fake.addImage('team/app', '1', [1]);
  fake.addImage('team/app', '2', [1]);
  const tags = await origin.client.call('GET', `/v2/${host}/team/app/tags/list`);
  assert.deepEqual(tags.json().tags, ['1', '2']);
  const signature = { mediaType: ociImage, digest: `sha256:${'1'.repeat(64)}`, size: 2, artifactType: 'application/x' };
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests: [signature] };
  fake.addManifest('team/app', digest.replace(':', '-'), JSON.stringify(index), index.mediaType);
  const referrers = async (query: Record<string, string>) =>
    (await origin.client.call('GET', `/v2/${host}/team/app/referrers/${digest}`, { query })).json().manifests;
  assert.deepEqual(await referrers({}), [signature]);
  assert.deepEqual(await referrers({ artifactType: 'application/y' }), []);
});

test('a manifest that names the blob of another repository gives nobody its bytes', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  const { layers } = fake.addImage('team/secret', '1', [600_000]);
  const [layer] = layers;
  fake.addManifest('evil/app', '1', fake.manifests.get(fake.tags.get('team/secret:1')!)!.bytes.toString());
  fake.misbehave = (_request, reply, url) => {
    if (!url.pathname.includes('/evil/app/blobs/')) return false;
    reply.writeHead(404).end();
    return true;
  };
  assert.equal((await origin.client.call('GET', `/v2/${host}/evil/app/manifests/1`)).status, 200);
  const paths = [`/v2/${host}/evil/app/blobs/${layer}`, `/shoal/v1/namespaces/${host}/evil/app/blobs/${layer}`];
  const secret = () => origin.client.call('GET', `/v2/${host}/team/secret/blobs/${layer}`);
  const statuses = (answers: { status: number }[]) => answers.map(({ status }) => status);
  const ask = () => Promise.all(paths.map((path) => origin.client.call('GET', path)));
  // While it is being fetched for the other repository, and when it is stored.
  const [evil, own] = await Promise.all([ask(), secret()]);
  assert.deepEqual([statuses(evil), own.status], [[404, 404], 200]);
  assert.deepEqual(statuses(await ask()), [404, 404]);
});

test('HEAD tells the size of a blob, and fetches nothing of it', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  const { layers } = fake.addImage('team/app', '1', [300_000]);
  const path = `/v2/${host}/team/app/blobs/${layers[0]}`;
  const head = await origin.client.call('HEAD', path);
  assert.deepEqual([head.status, head.headers['content-length']], [200, '300000']);
  await origin.client.call('GET', `/v2/${host}/team/app/manifests/1`);
  assert.equal((await origin.client.call('HEAD', path)).status, 200);
  assert.equal(fake.asked('GET', '/blobs/'), 0);
  assert.equal((await origin.client.call('HEAD', path.replace(/.{64}$/, '0'.repeat(64)))).status, 404);
  assert.equal((await origin.client.call('GET', path)).bytes.length, 300_000);
});
