import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { request } from 'undici';
import {
  ArrivingSource,
  MemoryRegistry,
  type PullServer,
  sha256Of,
  startPullServer,
} from './testing/memory-registry.ts';
import { get, rawRequest } from './testing/raw-client.ts';

const mediaType = 'application/vnd.oci.image.manifest.v1+json';

/** The headers that describe the content, without those of the connection. */
const endToEnd = (headers: object): object =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name)));

describe('pull routes', () => {
  const registry = new MemoryRegistry();
  const blob = new ArrivingSource(randomBytes(3000));
  const blobPath = `/v2/team/app/blobs/${registry.addBlob(blob)}`;
  const manifest = Buffer.from('{ "schemaVersion": 2 }\n');
  const digest = sha256Of(manifest);
  let server: PullServer;

  before(async () => {
    for (const reference of ['v1', digest])
      registry.manifests.set(reference, { digest, mediaType, size: manifest.length, bytes: manifest });
    server = await startPullServer(registry);
  });
  after(() => server[Symbol.asyncDispose]());

  const fetchPath = async (
    path: string,
    options: { method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'PATCH' | 'DELETE'; headers?: Record<string, string> } = {},
  ) => {
    const { statusCode, headers, body } = await request(server.url + path, options);
    return { status: statusCode, headers, bytes: Buffer.from(await body.bytes()) };
  };

  it('answers the ping', async () => {
    const { status, headers } = await fetchPath('/v2/');
    assert.deepEqual([status, headers['docker-distribution-api-version']], [200, 'registry/2.0']);
  });

  it('serves manifests byte for byte, by tag and digest', async () => {
    for (const reference of ['v1', digest]) {
      const { status, headers, bytes } = await fetchPath(`/v2/team/app/manifests/${reference}`);
      assert.equal(status, 200);
      assert.equal(headers['content-type'], mediaType);
      assert.equal(headers['docker-content-digest'], digest);
      assert.deepEqual(bytes, manifest);
    }
  });

  for (const path of ['/v2/team/app/manifests/v1', blobPath]) {
    it(`HEAD ${path.slice(0, 30)} has the headers of GET and no body`, async () => {
      const [head, whole] = await Promise.all([fetchPath(path, { method: 'HEAD' }), fetchPath(path)]);
      assert.deepEqual(endToEnd(head.headers), endToEnd(whole.headers));
      assert.equal(head.bytes.length, 0);
      assert.equal(Number(head.headers['content-length']), whole.bytes.length);
    });

    it(`${path.slice(0, 30)} is not sent again to who has it`, async () => {
      const { headers } = await fetchPath(path);
      const { status, bytes } = await fetchPath(path, { headers: { 'if-none-match': String(headers.etag) } });
      assert.deepEqual([status, bytes.length], [304, 0]);
    });
  }

  it('never compresses', async () => {
    const { headers, bytes } = await fetchPath(blobPath, {
      headers: { 'accept-encoding': 'zstd;q=1.0, gzip;q=0.8, deflate;q=0.5' },
    });
    assert.equal(headers['content-encoding'], undefined);
    assert.equal(Buffer.compare(bytes, blob.bytes), 0);
  });

  for (const [range, start, end] of [
    ['bytes=500-1499', 500, 1500],
    ['bytes=-500', 2500, 3000],
    ['bytes=2000-5000', 2000, 3000],
    ['bytes=0-', 0, 3000],
  ] as const) {
    it(`${range} is answered with 206`, async () => {
      const { status, headers, bytes } = await fetchPath(blobPath, { headers: { range } });
      assert.equal(status, 206);
      assert.equal(headers['content-range'], `bytes ${start}-${end - 1}/3000`);
      assert.equal(Buffer.compare(bytes, blob.bytes.subarray(start, end)), 0);
    });
  }

  for (const range of ['bytes=500-0', 'bytes=5000-10000']) {
    it(`${range} is answered with 416`, async () => {
      const { status, headers } = await fetchPath(blobPath, { headers: { range } });
      assert.deepEqual([status, headers['content-range']], [416, 'bytes */3000']);
    });
  }

  it('sends the whole for several ranges and for an outdated If-Range', async () => {
    for (const headers of [{ range: 'bytes=0-1,5-6' }, { range: 'bytes=0-1', 'if-range': '"other"' }]) {
      const { status, bytes } = await fetchPath(blobPath, { headers });
      assert.deepEqual([status, bytes.length], [200, 3000]);
    }
  });

  it('pages tags with a Link to the next page', async () => {
    registry.tagNames = ['a', 'b', 'c', 'd', 'e'];
    const first = await fetchPath('/v2/team/app/tags/list?n=2');
    assert.deepEqual(JSON.parse(String(first.bytes)), { name: 'team/app', tags: ['a', 'b'] });
    assert.equal(first.headers.link, '</v2/team/app/tags/list?n=2&last=b>; rel="next"');
    const ofUpstream = await fetchPath('/v2/team/app/tags/list?n=2&ns=quay.io');
    assert.equal(ofUpstream.headers.link, '</v2/team/app/tags/list?n=2&last=b&ns=quay.io>; rel="next"');
    const none = await fetchPath('/v2/team/app/tags/list?n=0');
    assert.deepEqual([JSON.parse(String(none.bytes)).tags, none.headers.link], [[], undefined]);
    const rest = await fetchPath('/v2/team/app/tags/list?last=c');
    assert.deepEqual([JSON.parse(String(rest.bytes)).tags, rest.headers.link], [['d', 'e'], undefined]);
    assert.equal((await fetchPath('/v2/team/app/tags/list?n=-1')).status, 400);
  });

  it('hands on the namespace that containerd names', async () => {
    await fetchPath('/v2/team/app/manifests/v1?ns=docker.io');
    assert.equal(registry.contexts.at(-1)?.upstream, 'docker.io');
  });

  it('refuses pushes and tells where to push', async () => {
    for (const [method, path] of [
      ['POST', '/v2/team/app/blobs/uploads/'],
      ['PUT', '/v2/team/app/manifests/v1'],
      ['PATCH', '/v2/team/app/blobs/uploads/some-id'],
      ['DELETE', blobPath],
    ] as const) {
      const { status, bytes } = await fetchPath(path, { method });
      assert.equal(status, 405);
      assert.deepEqual(JSON.parse(String(bytes)), {
        errors: [{ code: 'UNSUPPORTED', message: 'push to http://origin.example:7000' }],
      });
    }
  });

  it('answers 404 for what is unknown and 400 for what is malformed', async () => {
    for (const [path, status] of [
      ['/v2/team/app/manifests/v9', 404],
      [`/v2/team/app/blobs/sha256:${'0'.repeat(64)}`, 404],
      ['/v2/team/app/blobs/sha256:bad', 400],
      ['/v2/TEAM/manifests/v1', 400],
      ['/v2/%zz/manifests/v1', 400],
      ['/nothing', 404],
    ] as const) {
      const answer = await fetchPath(path);
      assert.equal(answer.status, status, path);
      assert.ok(JSON.parse(String(answer.bytes)).errors[0].code, path);
    }
  });

  it('hides and logs what went wrong inside', async () => {
    registry.manifests.set('broken', { digest, mediaType, size: 3 });
    const { status, bytes } = await fetchPath('/v2/team/app/manifests/broken');
    assert.equal(status, 500);
    assert.deepEqual(JSON.parse(String(bytes)), { errors: [{ code: 'UNKNOWN', message: 'internal error' }] });
    assert.equal(server.logged.length, 1);
  });

  it('bounds the size of headers', async () => {
    const { head } = await rawRequest(server.port, get('/v2/', { 'x-large': 'x'.repeat(70_000) }));
    assert.match(head, /^HTTP\/1.1 431 /);
  });
});
