import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { Digest } from '@shoal/core';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import { sendJson } from '../../../../test/support/upstream/http-side.ts';
import { digestOfBytes, pushBlob, type TestAgent, World } from '../testing/world.ts';

const types = {
  image: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  empty: 'application/vnd.oci.empty.v1+json',
  tar: 'application/vnd.oci.image.layer.v1.tar',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
  foreign: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
  signature: 'application/vnd.dev.cosign.simplesigning.v1+json',
  schema1: 'application/vnd.docker.distribution.manifest.v1+prettyjws',
};
const manifestBytesMax = 4 * 1024 * 1024;
const host = 'up.example.com:5000';
const patient = { originMs: 60_000, upstreamMs: 60_000, firstByteMs: 60_000 };

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
}

const call = async (url: string, init: RequestInit = {}): Promise<Answer> => {
  const answer = await fetch(url, init);
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
};

describe('artifacts through agent and origin', () => {
  let world: World;
  let fake: FakeUpstream;
  let agent: TestAgent;
  before(async () => {
    fake = await FakeUpstream.start();
    const registries = [{ host, url: fake.url, insecure: true }];
    const sections: object = { upstreams: { registries, tagRevalidateMs: 0, hurriedMs: '30s' } };
    world = await World.start(sections);
    agent = await world.agent('a', { deadlines: patient });
  });
  after(async () => {
    await world[Symbol.asyncDispose]();
    await fake[Symbol.asyncDispose]();
  });

  const pushed = (reference: string, text: string, mediaType = types.image): Promise<Answer> =>
    call(`http://127.0.0.1:${world.origin.addresses.registry.port}/v2/team/app/manifests/${reference}`, {
      method: 'PUT',
      body: text,
      headers: { 'content-type': mediaType },
    });
  const push = async (reference: string, manifest: object | string, mediaType = types.image): Promise<Digest> => {
    const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
    const answer = await pushed(reference, text, mediaType);
    assert.equal(answer.status, 201, answer.bytes.toString());
    assert.equal(answer.headers.get('docker-content-digest'), digestOfBytes(Buffer.from(text)));
    return digestOfBytes(Buffer.from(text));
  };
  const part = async (mediaType: string, bytes: Uint8Array) => ({
    mediaType,
    digest: await pushBlob(world.origin, 'team/app', bytes),
    size: bytes.length,
  });
  const get = (path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> =>
    call(`${agent.url}/v2/${path}`, { method, headers });
  /** By tag and by digest, GET and HEAD: the same bytes, type and digest. */
  const pulled = async (repository: string, tag: string, text: string, mediaType: string): Promise<void> => {
    const digest = digestOfBytes(Buffer.from(text));
    for (const reference of [tag, digest])
      for (const method of ['GET', 'HEAD']) {
        const { status, headers, bytes } = await get(`${repository}/manifests/${reference}`, {}, method);
        const told = ['docker-content-digest', 'content-type', 'content-length'].map((name) => headers.get(name));
        assert.deepEqual(
          [status, ...told],
          [200, digest, mediaType, String(Buffer.byteLength(text))],
          `${method} ${reference}`,
        );
        if (method === 'GET') assert.equal(bytes.toString(), text);
      }
  };
  const referrersOf = async (repository: string, subject: string, query = '') => {
    const answer = await get(`${repository}/referrers/${subject}${query}`);
    assert.deepEqual([answer.status, answer.headers.get('content-type')], [200, types.index]);
    const index = JSON.parse(answer.bytes.toString()) as { manifests: { digest: string; artifactType?: string }[] };
    return {
      digests: index.manifests.map(({ digest }) => digest),
      filtered: answer.headers.get('oci-filters-applied'),
    };
  };

  it('signatures of cosign, by their tag', async () => {
    const config = await part(types.config, Buffer.from('{"of":"an image"}'));
    const subject = await push('signed', { schemaVersion: 2, mediaType: types.image, config, layers: [] });
    const payload = await part(types.signature, Buffer.from('{"critical":{}}'));
    const annotations = { 'dev.cosignproject.cosign/signature': 'MEUCIQ==' };
    const layers = [{ ...payload, annotations }];
    const text = JSON.stringify({ schemaVersion: 2, mediaType: types.image, config, layers });
    const tag = subject.replace(':', '-').concat('.sig');
    await push(tag, text);
    await pulled('team/app', tag, text, types.image);
    assert.equal((await get(`team/app/blobs/${payload.digest}`)).bytes.toString(), '{"critical":{}}');
  });

  it('artifacts of ORAS with the empty config, and the list of those that refer to an image', async () => {
    const config = { ...(await part(types.empty, Buffer.from('{}'))), data: 'e30=' };
    const subject = await push('subject', { schemaVersion: 2, mediaType: types.image, config, layers: [] });
    const file = await part('text/spdx+json', Buffer.from('{"spdxVersion":"SPDX-2.3"}'));
    const artifact = (artifactType: string) => ({
      schemaVersion: 2,
      mediaType: types.image,
      artifactType,
      config,
      layers: [file],
      subject: { mediaType: types.image, digest: subject, size: 1 },
    });
    const sbom = await push('sbom', artifact('application/spdx+json'));
    const chart = await push('chart', artifact('application/vnd.cncf.helm.config.v1+json'));
    await pulled('team/app', 'sbom', JSON.stringify(artifact('application/spdx+json')), types.image);
    const all = await referrersOf('team/app', subject);
    assert.deepEqual([new Set(all.digests), all.filtered], [new Set([sbom, chart]), null]);
    const some = await referrersOf('team/app', subject, '?artifactType=application/spdx%2Bjson');
    assert.deepEqual([some.digests, some.filtered], [[sbom], 'artifactType']);
    assert.deepEqual((await referrersOf('team/app', digestOfBytes(Buffer.from('unknown')))).digests, []);
  });

  it('referrers of an upstream, with the API and without it', async () => {
    const { digest } = fake.addImage('team/app', 'subject', [10]);
    const entry = { mediaType: types.image, digest: digestOfBytes(Buffer.from('sbom')), size: 7, artifactType: 'a/b' };
    const index = { schemaVersion: 2, mediaType: types.index, manifests: [entry] };
    const name = 'up.example.com_5000/team/app';
    fake.addManifest('team/app', digest.replace(':', '-'), JSON.stringify(index), types.index);
    assert.deepEqual((await referrersOf(name, digest)).digests, [entry.digest], 'by the tag schema');
    const byApi = { ...entry, digest: digestOfBytes(Buffer.from('signature')) };
    fake.misbehave = (_request, reply, url) => {
      if (!url.pathname.includes('/referrers/')) return false;
      sendJson(reply, 200, { ...index, manifests: [byApi] }, { 'content-type': types.index });
      return true;
    };
    assert.deepEqual((await referrersOf(name, digest)).digests, [byApi.digest], 'by the API');
    assert.deepEqual((await referrersOf(name, digest, '?artifactType=c/d')).digests, []);
    fake.misbehave = undefined;
    const tag = digest.replace(':', '-');
    await pulled(name, tag, JSON.stringify(index), types.index);
  });

  it('images of 101 layers', async () => {
    const config = await part(types.config, Buffer.from('{"layers":101}'));
    const contents = Array.from({ length: 101 }, () => randomBytes(100));
    const layers = await Promise.all(contents.map((bytes) => part(types.tar, bytes)));
    const text = JSON.stringify({ schemaVersion: 2, mediaType: types.image, config, layers });
    await push('deep', text);
    await pulled('team/app', 'deep', text, types.image);
    const read = await Promise.all(layers.map(({ digest }) => get(`team/app/blobs/${digest}`)));
    for (const [index, { bytes }] of read.entries()) assert.ok(bytes.equals(contents[index]!));
  });

  it('manifests of 4 MiB, and none above the limits', async () => {
    const config = await part(types.config, Buffer.from('{"large":true}'));
    const sized = (size: number, mediaType = types.image): string => {
      const text = (padding: string) =>
        JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [], annotations: { padding } });
      return text('x'.repeat(size - text('').length));
    };
    await push('large', sized(manifestBytesMax));
    await pulled('team/app', 'large', sized(manifestBytesMax), types.image);
    const refused = await pushed('larger', sized(2 * manifestBytesMax + 1));
    assert.equal(refused.status, 413);
    assert.match(refused.bytes.toString(), /SIZE_INVALID.*larger than 8388608 bytes/);
    fake.blobs.set(config.digest, Buffer.from('{"large":true}'));
    fake.addManifest('team/app', 'large', sized(manifestBytesMax));
    await pulled('up.example.com_5000/team/app', 'large', sized(manifestBytesMax), types.image);
    fake.addManifest('team/app', 'larger', sized(manifestBytesMax + 1));
    const upstream = await get('up.example.com_5000/team/app/manifests/larger');
    assert.equal(upstream.status, 404);
    assert.match(upstream.bytes.toString(), /larger than 4194304 bytes/);
  });

  it('empty blobs', async () => {
    const empty = new Uint8Array();
    const { digest } = await part(types.tar, empty);
    const text = JSON.stringify({ schemaVersion: 2, config: { mediaType: types.config, digest, size: 0 }, layers: [] });
    fake.addBlob(empty);
    fake.addManifest('team/app', 'empty', text);
    assert.equal((await get('up.example.com_5000/team/app/manifests/empty')).status, 200);
    for (const repository of ['team/app', 'up.example.com_5000/team/app'])
      for (const method of ['HEAD', 'GET']) {
        const { status, headers, bytes } = await get(`${repository}/blobs/${digest}`, {}, method);
        const told = ['content-length', 'docker-content-digest'].map((name) => headers.get(name));
        assert.deepEqual([status, ...told, bytes.length], [200, '0', digest, 0], `${method} ${repository}`);
      }
    assert.equal((await get(`team/app/blobs/${digest}`, { range: 'bytes=0-' })).status, 416);
  });

  it('layers from elsewhere, which nobody fetches', async () => {
    const config = { mediaType: types.config, digest: fake.addBlob(Buffer.from('{"os":"windows"}')), size: 16 };
    const elsewhere = {
      digest: digestOfBytes(Buffer.from('base')),
      size: 4_000_000,
      urls: ['https://store.example.com/base'],
    };
    const layers = [
      { mediaType: types.foreign, ...elsewhere },
      { mediaType: types.tar, digest: fake.addBlob(randomBytes(50)), size: 50 },
    ];
    const text = JSON.stringify({ schemaVersion: 2, config, layers }, null, 3);
    fake.addManifest('team/app', 'windows', text);
    await pulled('up.example.com_5000/team/app', 'windows', text, types.image);
    for (const { digest } of [config, layers[1]!])
      assert.equal((await get(`up.example.com_5000/team/app/blobs/${digest}`)).status, 200);
    assert.equal(fake.log.filter(({ path }) => path.includes(elsewhere.digest)).length, 0);
  });

  it('zstd layers, as they are', async () => {
    const bytes = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd]), randomBytes(1000)]);
    const layer = await part(types.zstd, bytes);
    const config = await part(types.config, Buffer.from('{"zstd":true}'));
    const text = JSON.stringify({ schemaVersion: 2, mediaType: types.image, config, layers: [layer] });
    await push('zstd', text);
    await pulled('team/app', 'zstd', text, types.image);
    const asked = { 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5' };
    const { headers, bytes: read } = await get(`team/app/blobs/${layer.digest}`, asked);
    assert.equal(headers.get('content-encoding'), null);
    assert.ok(read.equals(bytes));
  });

  it('the digest with every answer that has content, or stands for it', async () => {
    const bytes = randomBytes(3000);
    const { digest } = await part(types.tar, bytes);
    const config = await part(types.config, Buffer.from('{"digest":"everywhere"}'));
    const manifest = await push('told', { schemaVersion: 2, mediaType: types.image, config, layers: [] });
    const etag = (of: string) => ({ 'if-none-match': `"${of}"` });
    for (const [path, headers, status, told] of [
      [`blobs/${digest}`, {}, 200, digest],
      [`blobs/${digest}`, { range: 'bytes=10-19' }, 206, digest],
      [`blobs/${digest}`, etag(digest), 304, digest],
      ['manifests/told', {}, 200, manifest],
      ['manifests/told', etag(manifest), 304, manifest],
      [`manifests/${manifest}`, {}, 200, manifest],
    ] as const)
      for (const method of ['GET', 'HEAD']) {
        const answer = await get(`team/app/${path}`, headers, method);
        const expected = method === 'HEAD' && status === 206 ? 200 : status;
        assert.deepEqual(
          [answer.status, answer.headers.get('docker-content-digest')],
          [expected, told],
          `${method} ${path}`,
        );
      }
  });

  it('no manifests of schema 1, and the client is told so', async () => {
    const text = '{"schemaVersion":1,"name":"team/app","tag":"old","fsLayers":[],"history":[]}';
    const refused = await pushed('old', text, types.schema1);
    assert.equal(refused.status, 400);
    assert.match(refused.bytes.toString(), /MANIFEST_INVALID.*schema 1 are not supported/);
    fake.addManifest('team/app', 'old', text, types.schema1);
    const answer = await get('up.example.com_5000/team/app/manifests/old');
    assert.equal(answer.status, 404);
    assert.match(answer.bytes.toString(), /MANIFEST_UNKNOWN.*schema 1, which is not supported/);
  });
});
