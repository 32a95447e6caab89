import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { defaultPieceLengthPolicy, parseRepositoryName, ShoalError } from '@shoal/core';
import { BlobStore, SigningKey } from '@shoal/store';
import { Catalog } from './catalog/catalog.ts';
import { Content } from './content.ts';
import { digestBytes } from './testing/registry-client.ts';
import { startOrigin, temporaryFolder } from './testing/test-origin.ts';

const [lost, bytes] = [Buffer.from('stored, never linked'), Buffer.from('pushed')];

const openContent = async (folder: string): Promise<Content> => {
  const key = await SigningKey.loadOrCreate(join(folder, 'signing-key.pem'));
  const blobs = await BlobStore.open({ folder: join(folder, 'store'), policy: defaultPieceLengthPolicy, key });
  const catalog = await Catalog.open({ folder: join(folder, 'repositories'), signer: key, clock: Date.now });
  return new Content(blobs, catalog, { contentLinked: async () => undefined, contentDropped: async () => undefined });
};

describe('content that no repository links', () => {
  /** As a kill between storing and linking leaves it. */
  const storeWithoutLink = async (folder: string): Promise<void> => {
    const { blobs } = await openContent(folder);
    await blobs.put(lost);
    await blobs.close();
  };

  it('is deleted at the next start, and only that', async () => {
    await using first = await startOrigin();
    const image = await first.client.pushImage('left/app', 'v1');
    await first.origin.stop();
    await storeWithoutLink(first.folder);
    const again = await first.restart();
    await again.origin.stop();
    const { blobs } = await openContent(first.folder);
    assert.equal(await blobs.stat(digestBytes(lost)), undefined);
    for (const digest of [image.digest, ...image.blobs]) assert.ok(await blobs.stat(digest));
    await blobs.close();
  });

  it('stays when there is no repository at all: their folder may be missing', async () => {
    await using folder = await temporaryFolder();
    await storeWithoutLink(folder.path);
    const content = await openContent(folder.path);
    assert.equal(await content.deleteUnlinked(), 0);
    assert.ok(await content.blobs.stat(digestBytes(lost)));
    await content.blobs.close();
  });

  it('goes at once when the link cannot be written', async () => {
    await using folder = await temporaryFolder();
    const content = await openContent(folder.path);
    const repository = await content.catalog.ensure(parseRepositoryName('full/app'));
    const fail = async () => Promise.reject(new ShoalError('STORE_FULL', 507, 'full'));
    repository.blobs.put = fail;
    repository.manifests.put = fail;
    const upload = await content.blobs.uploads.create(repository.name);
    await upload.append(Readable.from([bytes]));
    await assert.rejects(content.commitBlob(upload, digestBytes(bytes)), { code: 'STORE_FULL' });
    assert.equal(await content.blobs.stat(digestBytes(bytes)), undefined);
    await assert.rejects(content.putManifest(repository, digestBytes('{}'), Buffer.from('{}'), 'a/b'), {
      code: 'STORE_FULL',
    });
    assert.equal(await content.blobs.stat(digestBytes('{}')), undefined);
    await content.blobs.close();
  });
});

describe('a repository', () => {
  it('does not come into being by a push with a wrong digest', async () => {
    await using test = await startOrigin();
    const wrong = digestBytes('something else');
    const location = await test.client.startUpload('wrong/app');
    for (const answer of [
      await test.client.call('PUT', location, { query: { digest: wrong }, body: bytes }),
      await test.client.call('POST', '/v2/wrong/app/blobs/uploads/', { query: { digest: wrong }, body: bytes }),
      await test.client.call('PUT', `/shoal/v1/namespaces/wrong/app/blobs/${wrong}`, { body: bytes }),
    ])
      assert.deepEqual([answer.status, answer.code], [400, 'DIGEST_INVALID']);
    const tags = await test.client.call('GET', '/v2/wrong/app/tags/list');
    assert.deepEqual([tags.status, tags.code], [404, 'NAME_UNKNOWN']);
  });
});
