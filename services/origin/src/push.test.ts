import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import type { Digest, DigestAlgorithm } from '@shoal/core';
import { type Answer, digestBytes, RegistryClient, types } from './testing/registry-client.ts';
import { startOrigin, type TestOrigin } from './testing/test-origin.ts';

/** Ends an upload under a digest; every way of pushing a blob that a client may choose. */
type Push = (client: RegistryClient, repository: string, bytes: Buffer, digest: Digest) => Promise<Answer>;

const put = (client: RegistryClient, location: string, digest: Digest, body?: Buffer, headers = {}): Promise<Answer> =>
  client.call('PUT', location, { query: { digest }, body, headers });

const patch = async (
  client: RegistryClient,
  location: string,
  body: Buffer | Readable,
  headers = {},
): Promise<string> => {
  const answer = await client.call('PATCH', location, { body, headers });
  assert.equal(answer.status, 202);
  assert.match(String(answer.headers['range']), /^0-\d+$/);
  return String(answer.headers['location']);
};

const ways: Record<string, Push> = {
  'POST with digest': (client, repository, body, digest) =>
    client.call('POST', `/v2/${repository}/blobs/uploads/`, { query: { digest }, body }),

  'POST, PUT': async (client, repository, bytes, digest) =>
    put(client, await client.startUpload(repository), digest, bytes),

  'POST, one chunk, PUT': async (client, repository, bytes, digest) => {
    const location = await client.startUpload(repository);
    return put(client, await patch(client, location, bytes, { 'content-range': `0-${bytes.length - 1}` }), digest);
  },

  'POST, three chunks, the last in PUT': async (client, repository, bytes, digest) => {
    const third = Math.floor(bytes.length / 3);
    let location = await client.startUpload(repository);
    location = await patch(client, location, bytes.subarray(0, third), { 'content-range': `0-${third - 1}` });
    location = await patch(client, location, bytes.subarray(third, 2 * third), {
      'content-range': `${third}-${2 * third - 1}`,
    });
    const range = { 'content-range': `${2 * third}-${bytes.length - 1}` };
    return put(client, location, digest, bytes.subarray(2 * third), range);
  },

  'POST, PATCH of unknown length as docker sends it, PUT': async (client, repository, bytes, digest) => {
    const location = await client.startUpload(repository);
    const tenth = bytes.length / 10;
    const chunks = Array.from({ length: 10 }, (_, index) => bytes.subarray(index * tenth, (index + 1) * tenth));
    return put(client, await patch(client, location, Readable.from(chunks)), digest);
  },

  'POST with digest-algorithm, PUT': async (client, repository, bytes, digest) => {
    const query = { 'digest-algorithm': digest.slice(0, 6) };
    const { headers } = await client.call('POST', `/v2/${repository}/blobs/uploads/`, { query });
    return put(client, String(headers['location']), digest, bytes);
  },
};

describe('pushing blobs', () => {
  let test: TestOrigin;
  let client: RegistryClient;
  before(async () => {
    test = await startOrigin();
    client = test.client;
  });
  after(() => test[Symbol.asyncDispose]());

  for (const [name, push] of Object.entries(ways)) {
    for (const algorithm of ['sha256', 'sha512'] as const) {
      it(`${name} stores a ${algorithm} blob where its Location says`, async () => {
        const bytes = randomBytes(5000);
        const digest = digestBytes(bytes, algorithm);
        const answer = await push(client, 'push/ways', bytes, digest);
        assert.deepEqual([answer.status, answer.headers['docker-content-digest']], [201, digest]);
        assert.deepEqual((await client.call('GET', String(answer.headers['location']))).bytes, bytes);
      });
    }

    it(`${name} with a wrong digest keeps nothing`, async () => {
      const bytes = randomBytes(5000);
      const wrong = digestBytes(randomBytes(8));
      const answer = await push(client, 'push/wrong', bytes, wrong);
      assert.deepEqual([answer.status, answer.code], [400, 'DIGEST_INVALID']);
      for (const digest of [wrong, digestBytes(bytes)]) {
        assert.equal((await client.call('HEAD', `/v2/push/wrong/blobs/${digest}`)).status, 404);
      }
    });
  }

  it('stores the empty blob', async () => {
    for (const algorithm of ['sha256', 'sha512'] satisfies DigestAlgorithm[]) {
      const digest = digestBytes('', algorithm);
      for (const name of ['POST with digest', 'POST, PUT'])
        assert.equal((await ways[name]?.(client, 'push/empty', Buffer.alloc(0), digest))?.status, 201);
      const { status, headers } = await client.call('GET', `/v2/push/empty/blobs/${digest}`);
      assert.deepEqual([status, headers['content-length']], [200, '0']);
    }
  });

  it('refuses a chunk out of order with 416 and tells where the upload stands', async () => {
    const location = await client.startUpload('push/order');
    const early = await client.call('PATCH', location, {
      body: randomBytes(10),
      headers: { 'content-range': '10-19' },
    });
    assert.deepEqual([early.status, early.code], [416, 'BLOB_UPLOAD_INVALID']);
    const empty = await client.call('GET', location);
    assert.deepEqual([empty.status, empty.headers['range'], empty.headers['location']], [204, '0-0', location]);
    await patch(client, location, randomBytes(100), { 'content-range': '0-99' });
    for (const range of ['0-99', '101-110', '99-108']) {
      const answer = await client.call('PATCH', location, {
        body: randomBytes(10),
        headers: { 'content-range': range },
      });
      assert.ok([400, 416].includes(answer.status), `${range}: ${answer.status}`);
    }
    assert.equal((await client.call('GET', location)).headers['range'], '0-99');
  });

  it('cancels an upload', async () => {
    const location = await client.startUpload('push/cancel');
    await patch(client, location, randomBytes(10));
    assert.equal((await client.call('DELETE', location)).status, 204);
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
      const answer = await client.call(method, location, {
        query: { digest: digestBytes('x') },
        ...(method === 'GET' ? {} : { body: 'x' }),
      });
      assert.deepEqual([method, answer.status, answer.code], [method, 404, 'BLOB_UPLOAD_UNKNOWN']);
    }
  });

  it('keeps uploads to their repository', async () => {
    const location = await client.startUpload('push/mine');
    const other = location.replace('push/mine', 'push/other');
    assert.equal((await client.call('GET', other)).status, 404);
    assert.equal((await put(client, other, digestBytes('x'), Buffer.from('x'))).status, 404);
  });

  it('keeps blobs to the repositories they were pushed to', async () => {
    const digest = await client.pushBlob('push/a', randomBytes(100));
    assert.equal((await client.call('HEAD', `/v2/push/a/blobs/${digest}`)).status, 200);
    assert.equal((await client.call('HEAD', `/v2/push/b/blobs/${digest}`)).status, 404);
  });

  it('mounts a blob of another repository, named or not', async () => {
    const bytes = randomBytes(100);
    const digest = await client.pushBlob('push/source', bytes);
    const unknown = digestBytes(randomBytes(8));
    for (const [index, [query, status]] of (
      [
        [{ mount: digest, from: 'push/source' }, 201],
        [{ mount: digest }, 201],
        [{ mount: digest, from: 'push/without' }, 202],
        [{ mount: unknown, from: 'push/source' }, 202],
        [{ mount: unknown }, 202],
      ] as const
    ).entries()) {
      const target = `push/target${index}`;
      const answer = await client.call('POST', `/v2/${target}/blobs/uploads/`, { query });
      assert.equal(answer.status, status, JSON.stringify(query));
      if (status === 201) assert.deepEqual((await client.call('GET', String(answer.headers['location']))).bytes, bytes);
      else assert.equal((await put(client, String(answer.headers['location']), digest, bytes)).status, 201);
    }
  });

  it('takes many pushes of the same blob at once', async () => {
    const bytes = randomBytes(300_000);
    const digest = digestBytes(bytes);
    const all = Object.values(ways);
    const answers = await Promise.all(
      [...all, ...all].map((push, index) => push(client, `push/same${index % 3}`, bytes, digest)),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(12).fill(201),
    );
    for (let index = 0; index < 3; index++)
      assert.deepEqual((await client.call('GET', `/v2/push/same${index}/blobs/${digest}`)).bytes, bytes);
  });

  it('deletes a blob from one repository and keeps it for the others', async () => {
    const bytes = randomBytes(100);
    const digest = await client.pushBlob('push/keep', bytes);
    await client.pushBlob('push/drop', bytes);
    assert.equal((await client.call('DELETE', `/v2/push/drop/blobs/${digest}`)).status, 202);
    assert.equal((await client.call('GET', `/v2/push/drop/blobs/${digest}`)).status, 404);
    assert.equal((await client.call('DELETE', `/v2/push/drop/blobs/${digest}`)).status, 404);
    assert.deepEqual((await client.call('GET', `/v2/push/keep/blobs/${digest}`)).bytes, bytes);
    assert.equal((await client.call('DELETE', `/v2/push/keep/blobs/${digest}`)).status, 202);
    assert.equal((await client.call('POST', '/v2/push/new/blobs/uploads/', { query: { mount: digest } })).status, 202);
  });

  it('survives pushes and deletes of one blob that cross each other', async () => {
    const bytes = randomBytes(2000);
    const digest = digestBytes(bytes);
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        if (index % 2 === 0) await client.pushBlob('push/race', bytes);
        else await client.call('DELETE', `/v2/push/race/blobs/${digest}`);
      }),
    );
    await client.pushBlob('push/race', bytes);
    assert.deepEqual((await client.call('GET', `/v2/push/race/blobs/${digest}`)).bytes, bytes);
  });

  it('wants a digest that it knows, everywhere', async () => {
    const location = await client.startUpload('push/digests');
    for (const [method, path, query] of [
      ['PUT', location, {}],
      ['PUT', location, { digest: 'sha256:short' }],
      ['POST', '/v2/push/digests/blobs/uploads/', { digest: 'md5:abc' }],
      ['POST', '/v2/push/digests/blobs/uploads/', { mount: 'nothing' }],
      ['POST', '/v2/push/digests/blobs/uploads/', { 'digest-algorithm': 'md5' }],
    ] as const) {
      const answer = await client.call(method, path, { query, body: 'x' });
      assert.deepEqual([answer.status, answer.code], [400, 'DIGEST_INVALID'], JSON.stringify(query));
    }
  });
});

describe('pushing manifests', () => {
  let test: TestOrigin;
  let client: RegistryClient;
  const config = Buffer.from('{}');
  const descriptor = { mediaType: types.config, digest: digestBytes(config), size: config.length };
  const image = (more: object = {}): string =>
    JSON.stringify({ schemaVersion: 2, mediaType: types.image, config: descriptor, layers: [], ...more });

  before(async () => {
    test = await startOrigin();
    client = test.client;
    await client.pushBlob('man/one', config);
  });
  after(() => test[Symbol.asyncDispose]());

  it('answers with the Location and digest of what was pushed', async () => {
    const text = image();
    for (const reference of ['v1', digestBytes(text), digestBytes(text, 'sha512')]) {
      const { status, headers } = await client.pushManifest('man/one', reference, text);
      assert.equal(status, 201);
      assert.equal(headers['location'], `/v2/man/one/manifests/${reference === 'v1' ? digestBytes(text) : reference}`);
      assert.equal((await client.call('GET', String(headers['location']))).bytes.toString(), text);
    }
  });

  it("refuses a digest that is not the manifest's", async () => {
    for (const reference of [digestBytes('other'), digestBytes('other', 'sha512'), 'sha256:baddigeststring']) {
      const answer = await client.pushManifest('man/one', reference, image());
      assert.deepEqual([answer.status, answer.code], [400, 'DIGEST_INVALID']);
    }
    assert.equal((await client.call('GET', `/v2/man/one/manifests/${digestBytes('other')}`)).status, 404);
  });

  it('sets the tags of the query', async () => {
    const text = image({ annotations: { tags: 'many' } });
    const path = `/v2/man/one/manifests/${digestBytes(text)}?tag=q1&tag=q2`;
    const answer = await client.call('PUT', path, { body: text, headers: { 'content-type': types.image } });
    assert.deepEqual([answer.status, answer.headers['oci-tag']], [201, ['q1', 'q2']]);
    for (const tag of ['q1', 'q2'])
      assert.equal((await client.call('GET', `/v2/man/one/manifests/${tag}`)).bytes.toString(), text);
    const many = Array.from({ length: 101 }, (_, index) => `tag=t${index}`).join('&');
    assert.equal(
      (await client.call('PUT', `${path}&${many}`, { body: text, headers: { 'content-type': types.image } })).status,
      414,
    );
  });

  it('takes manifests of four megabytes and answers 413 above the limit', async () => {
    const large = image({ annotations: { large: 'x'.repeat(4_000_000) } });
    assert.equal((await client.pushManifest('man/one', 'large', large)).status, 201);
    assert.equal((await client.call('GET', '/v2/man/one/manifests/large')).bytes.toString(), large);
    const tooLarge = Buffer.alloc(9 * 1024 * 1024, 0x20);
    for (const body of [tooLarge, Readable.from([tooLarge])]) {
      const answer = await client.call('PUT', '/v2/man/one/manifests/v1', {
        body,
        headers: { 'content-type': types.image },
      });
      assert.deepEqual([answer.status, answer.code], [413, 'SIZE_INVALID']);
    }
  });

  it('wants the blobs of an image and the manifests of an index to be there', async () => {
    const missing = { mediaType: types.layer, digest: digestBytes('missing'), size: 7 };
    const index = { schemaVersion: 2, mediaType: types.index, manifests: [{ ...missing, mediaType: types.image }] };
    for (const [text, type] of [
      [image({ layers: [missing] }), types.image],
      [image({ config: { ...missing, mediaType: types.config } }), types.image],
      [JSON.stringify(index), types.index],
    ] as const) {
      const answer = await client.pushManifest('man/one', 'missing', text, type);
      assert.deepEqual([answer.status, answer.code], [404, 'MANIFEST_BLOB_UNKNOWN']);
      assert.equal(answer.json().errors[0]?.detail[0]?.digest, missing.digest);
    }
    assert.equal((await client.pushManifest('man/elsewhere', 'v1', image())).code, 'MANIFEST_BLOB_UNKNOWN');
    assert.equal((await client.call('GET', '/v2/man/elsewhere/tags/list')).status, 404);
  });

  it('does not want non-distributable layers and the subject', async () => {
    const away = { digest: digestBytes('away'), size: 123_456, urls: ['https://store.example.com/away'] };
    const layers = [
      'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    ];
    for (const mediaType of layers) {
      assert.equal(
        (await client.pushManifest('man/one', 'away', image({ layers: [{ mediaType, ...away }] }))).status,
        201,
      );
    }
    const subject = { mediaType: types.image, digest: digestBytes('no subject'), size: 5 };
    const answer = await client.pushManifest('man/one', 'subject', image({ subject }));
    assert.deepEqual([answer.status, answer.headers['oci-subject']], [201, subject.digest]);
  });

  it('takes indexes, of images and of indexes', async () => {
    const child = image({ annotations: { child: 'yes' } });
    await client.pushManifest('man/one', digestBytes(child), child);
    const index = JSON.stringify({
      schemaVersion: 2,
      mediaType: types.index,
      manifests: [{ mediaType: types.image, digest: digestBytes(child), size: child.length }],
    });
    assert.equal((await client.pushManifest('man/one', 'index', index, types.index)).status, 201);
    const nested = JSON.stringify({
      schemaVersion: 2,
      mediaType: types.index,
      manifests: [{ mediaType: types.index, digest: digestBytes(index), size: index.length }],
    });
    assert.equal((await client.pushManifest('man/one', 'nested', nested, types.index)).status, 201);
    const list = JSON.stringify({ schemaVersion: 2, mediaType: types.dockerList, manifests: [] });
    assert.equal((await client.pushManifest('man/one', 'list', list, types.dockerList)).status, 201);
  });

  it('refuses what is no manifest', async () => {
    for (const [text, type] of [
      ['', types.image],
      ['not json', types.image],
      ['[]', types.image],
      ['{"schemaVersion":2}', types.image],
      ['{"schemaVersion":2}', types.index],
      [image(), types.index],
      [image({ manifests: [] }), types.image],
      [image({ layers: [{ digest: 'sha256:x', size: 1 }] }), types.image],
      [image({ config: { ...descriptor, size: 3 } }), types.image],
      [image({ annotations: { number: 1 } }), types.image],
      ['{"schemaVersion":1,"name":"x","fsLayers":[]}', 'application/vnd.docker.distribution.manifest.v1+prettyjws'],
    ] as const) {
      const answer = await client.pushManifest('man/one', 'bad', text, type);
      assert.deepEqual([answer.status, answer.code], [400, 'MANIFEST_INVALID'], text);
    }
    assert.equal((await client.pushManifest('man/one', '-bad', image())).status, 400);
    assert.equal((await client.call('GET', '/v2/man/one/manifests/bad')).status, 404);
  });

  it('accepts missing parts when it is told to', async () => {
    await using sparse = await startOrigin({ manifests: { sparse: true } });
    const missing = { mediaType: types.layer, digest: digestBytes('missing'), size: 7 };
    assert.equal((await sparse.client.pushManifest('man/sparse', 'v1', image({ layers: [missing] }))).status, 201);
  });
});
