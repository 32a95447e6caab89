import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Digest } from '@shoal/core';
import { digestBytes, type RegistryClient, types } from './testing/registry-client.ts';
import { startOrigin, type TestOrigin } from './testing/test-origin.ts';

const emptyConfig = Buffer.from('{}');
const config = { mediaType: 'application/vnd.oci.empty.v1+json', digest: digestBytes(emptyConfig), size: 2 };

const pushArtifact = async (
  client: RegistryClient,
  repository: string,
  fields: object,
): Promise<{ digest: Digest; size: number }> => {
  await client.pushBlob(repository, emptyConfig);
  const text = JSON.stringify({ schemaVersion: 2, mediaType: types.image, config, layers: [], ...fields });
  const answer = await client.pushManifest(repository, digestBytes(text), text);
  assert.equal(answer.status, 201);
  return { digest: digestBytes(text), size: text.length };
};

describe('referrers', () => {
  let test: TestOrigin;
  before(async () => {
    test = await startOrigin();
  });
  after(() => test[Symbol.asyncDispose]());

  const list = async (repository: string, subject: string, query: Record<string, string> = {}) =>
    test.client.call('GET', `/v2/${repository}/referrers/${subject}`, { query });

  it('are an empty index for what was never pushed', async () => {
    const { status, headers, json } = await list('never/pushed', digestBytes('anything'));
    assert.equal(status, 200);
    assert.equal(headers['content-type'], types.index);
    assert.deepEqual(json(), { schemaVersion: 2, mediaType: types.index, manifests: [] });
    assert.equal((await list('never/pushed', 'sha256:bad')).status, 400);
  });

  it('copy artifact type and annotations, and are filtered by type', async () => {
    const subject = { mediaType: types.image, digest: digestBytes('subject'), size: 7 };
    const signature = await pushArtifact(test.client, 'ref/one', {
      subject,
      artifactType: 'application/x.signature',
      annotations: { a: 'b' },
    });
    const plain = await pushArtifact(test.client, 'ref/one', { subject });
    const expected = [
      { mediaType: types.image, ...signature, artifactType: 'application/x.signature', annotations: { a: 'b' } },
      { mediaType: types.image, ...plain, artifactType: config.mediaType },
    ];
    const all = (await list('ref/one', subject.digest)).json().manifests;
    assert.deepEqual(
      all,
      expected.toSorted((a, b) => (a.digest < b.digest ? -1 : 1)),
    );
    const filtered = await list('ref/one', subject.digest, { artifactType: 'application/x.signature' });
    assert.equal(filtered.headers['oci-filters-applied'], 'artifactType');
    assert.deepEqual(filtered.json().manifests, [expected[0]]);
    assert.deepEqual((await list('ref/two', subject.digest)).json().manifests, []);
  });

  it('include indexes and lose what is deleted', async () => {
    const subject = { mediaType: types.image, digest: digestBytes('another'), size: 7 };
    const text = JSON.stringify({
      schemaVersion: 2,
      mediaType: types.index,
      artifactType: 'application/x.list',
      manifests: [],
      subject,
    });
    const answer = await test.client.pushManifest('ref/index', 'v1', text, types.index);
    assert.equal(answer.headers['oci-subject'], subject.digest);
    assert.equal((await list('ref/index', subject.digest)).json().manifests[0]?.artifactType, 'application/x.list');
    await test.client.call('DELETE', `/v2/ref/index/manifests/${digestBytes(text)}`);
    assert.deepEqual((await list('ref/index', subject.digest)).json().manifests, []);
  });
});

describe('deleting', () => {
  let test: TestOrigin;
  before(async () => {
    test = await startOrigin();
  });
  after(() => test[Symbol.asyncDispose]());

  const status = async (method: string, path: string): Promise<number> => (await test.client.call(method, path)).status;

  it('takes a tag and leaves its manifest', async () => {
    const { digest } = await test.client.pushImage('del/tag', 'v1');
    assert.equal(await status('DELETE', '/v2/del/tag/manifests/v1'), 202);
    assert.equal(await status('HEAD', '/v2/del/tag/manifests/v1'), 404);
    assert.equal(await status('DELETE', '/v2/del/tag/manifests/v1'), 404);
    assert.equal(await status('HEAD', `/v2/del/tag/manifests/${digest}`), 200);
    assert.deepEqual((await test.client.call('GET', '/v2/del/tag/tags/list')).json().tags, []);
  });

  it('takes a manifest with the tags that point at it and no others', async () => {
    const { digest, text } = await test.client.pushImage('del/man', 'v1', 'one');
    await test.client.pushManifest('del/man', 'v2', text);
    await test.client.pushImage('del/man', 'other', 'two');
    assert.equal(await status('DELETE', `/v2/del/man/manifests/${digest}`), 202);
    assert.equal(await status('GET', `/v2/del/man/manifests/${digest}`), 404);
    assert.deepEqual((await test.client.call('GET', '/v2/del/man/tags/list')).json().tags, ['other']);
    assert.equal(await status('DELETE', `/v2/del/man/manifests/${digest}`), 404);
  });

  it('gives the disk back when no repository wants the content any more', async () => {
    const metric = async (): Promise<number> => {
      const text = await (await fetch(`${test.adminUrl}/metrics`)).text();
      return Number(/^shoal_origin_blobs (\d+)$/m.exec(text)?.[1]);
    };
    const before = await metric();
    const first = await test.client.pushImage('del/disk', 'v1', 'same');
    await test.client.pushImage('del/disk2', 'v1', 'same');
    assert.equal(await metric(), before + 3);
    for (const repository of ['del/disk', 'del/disk2']) {
      await test.client.call('DELETE', `/v2/${repository}/manifests/${first.digest}`);
      for (const blob of first.blobs) await test.client.call('DELETE', `/v2/${repository}/blobs/${blob}`);
    }
    assert.equal(await metric(), before);
  });

  it('is refused for what is malformed or unknown', async () => {
    for (const [path, expected] of [
      ['/v2/del/unknown/manifests/v1', 404],
      [`/v2/del/unknown/blobs/${digestBytes('x')}`, 404],
      ['/v2/del/tag/manifests/sha256:bad', 400],
      ['/v2/del/tag/tags/list', 405],
      ['/v2/', 405],
    ] as const) {
      assert.equal(await status('DELETE', path), expected, path);
    }
  });
});
