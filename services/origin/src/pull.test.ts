import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { digestBytes, types } from './testing/registry-client.ts';
import { startOrigin, type TestOrigin } from './testing/test-origin.ts';

describe('pulling from an origin', () => {
  let test: TestOrigin;
  before(async () => {
    test = await startOrigin();
  });
  after(() => test[Symbol.asyncDispose]());

  for (const algorithm of ['sha256', 'sha512'] as const) {
    it(`serves a ${algorithm} blob with its headers, whole and in ranges`, async () => {
      const bytes = randomBytes(3000);
      const digest = await test.client.pushBlob('pull/blobs', bytes, algorithm);
      const path = `/v2/pull/blobs/blobs/${digest}`;
      const [get, head] = [await test.client.call('GET', path), await test.client.call('HEAD', path)];
      assert.deepEqual([get.status, head.status], [200, 200]);
      for (const { headers } of [get, head]) {
        assert.equal(headers['docker-content-digest'], digest);
        assert.equal(headers['content-length'], '3000');
        assert.equal(headers['accept-ranges'], 'bytes');
        assert.equal(headers['etag'], `"${digest}"`);
      }
      assert.deepEqual(get.bytes, bytes);
      assert.equal(head.bytes.length, 0);
      for (const [range, expected] of [
        ['bytes=500-1499', bytes.subarray(500, 1500)],
        ['bytes=500-', bytes.subarray(500)],
        ['bytes=-500', bytes.subarray(2500)],
        ['bytes=2000-5000', bytes.subarray(2000)],
      ] as const) {
        const part = await test.client.call('GET', path, { headers: { range } });
        assert.deepEqual([part.status, part.bytes.equals(expected)], [206, true], range);
      }
      for (const range of ['bytes=500-0', 'bytes=5000-10000']) {
        assert.equal((await test.client.call('GET', path, { headers: { range } })).status, 416, range);
      }
    });
  }

  it('serves a manifest byte for byte with the media type it was pushed with', async () => {
    for (const mediaType of [types.image, types.dockerImage, 'application/vnd.example.thing.v1+json']) {
      const text = `{ "schemaVersion": 2,\n "mediaType": "${mediaType}", "org.example": [1.0, "é"], "config": ${await configDescriptor()}, "layers": [] }`;
      assert.equal((await test.client.pushManifest('pull/manifests', 'v1', text, mediaType)).status, 201);
      for (const reference of ['v1', digestBytes(text)]) {
        const path = `/v2/pull/manifests/manifests/${reference}`;
        const [get, head] = [await test.client.call('GET', path), await test.client.call('HEAD', path)];
        assert.equal(get.bytes.toString(), text);
        for (const { headers } of [get, head]) {
          assert.equal(headers['content-type'], mediaType);
          assert.equal(headers['content-length'], String(Buffer.byteLength(text)));
          assert.equal(headers['docker-content-digest'], digestBytes(text));
        }
      }
    }
  });

  const configDescriptor = async (): Promise<string> => {
    const config = Buffer.from('{}');
    return JSON.stringify({
      mediaType: types.config,
      digest: await test.client.pushBlob('pull/manifests', config),
      size: 2,
    });
  };

  it('answers 404 for what it has not, by name and by repository', async () => {
    const digest = await test.client.pushBlob('pull/one', randomBytes(10));
    for (const [path, code] of [
      [`/v2/pull/two/blobs/${digest}`, 'NAME_UNKNOWN'],
      [`/v2/pull/one/blobs/sha256:${'0'.repeat(64)}`, 'BLOB_UNKNOWN'],
      ['/v2/pull/one/manifests/v1', 'MANIFEST_UNKNOWN'],
      [`/v2/pull/one/manifests/sha256:${'0'.repeat(64)}`, 'MANIFEST_UNKNOWN'],
      [`/v2/pull/one/manifests/${digest}`, 'MANIFEST_UNKNOWN'],
      ['/v2/pull/nothing/tags/list', 'NAME_UNKNOWN'],
    ] as const) {
      const answer = await test.client.call('GET', path);
      assert.deepEqual([answer.status, answer.code], [404, code], path);
      assert.equal((await test.client.call('HEAD', path)).status, 404);
    }
    for (const path of ['/v2/pull/one/blobs/sha256:baddigeststring', '/v2/pull/one/manifests/sha256:baddigeststring']) {
      assert.equal((await test.client.call('GET', path)).status, 400);
    }
  });

  it('shows a pushed tag to the very next pull', async () => {
    for (let round = 0; round < 20; round++) {
      const { digest } = await test.client.pushImage('pull/mutable', 'latest', `round ${round}`);
      const { headers } = await test.client.call('HEAD', '/v2/pull/mutable/manifests/latest');
      assert.equal(headers['docker-content-digest'], digest);
    }
  });

  it('lists a thousand tags in pages and in order', async () => {
    const { text, digest } = await test.client.pushImage('pull/many', 't0000');
    const tags = Array.from({ length: 1000 }, (_, index) => `t${String(index).padStart(4, '0')}`);
    for (let from = 0; from < tags.length; from += 100) {
      const query = tags.slice(from, from + 100).map((tag) => `tag=${tag}`);
      const headers = { 'content-type': types.image };
      assert.equal(
        (await test.client.call('PUT', `/v2/pull/many/manifests/${digest}?${query.join('&')}`, { body: text, headers }))
          .status,
        201,
      );
    }
    const listed: string[] = [];
    let next: string | undefined = '/v2/pull/many/tags/list?n=300';
    let pages = 0;
    for (; next !== undefined; pages++) {
      const answer = await test.client.call('GET', next);
      listed.push(...answer.json().tags);
      next = /<([^>]+)>; rel="next"/.exec(String(answer.headers['link'] ?? ''))?.[1];
    }
    assert.deepEqual([pages, listed], [4, tags]);
    const last = await test.client.call('GET', '/v2/pull/many/tags/list?last=t0997');
    assert.deepEqual(last.json().tags, ['t0998', 't0999']);
    const none = await test.client.call('GET', '/v2/pull/many/tags/list?n=0');
    assert.deepEqual([none.json().tags, none.headers['link']], [[], undefined]);
  });
});
