import { defaultPieceLengthPolicy, MiB, parseRepositoryName } from '@shoal/core';
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { BlobStore } from './blob-store.ts';
import { StoreFullError } from './errors.ts';
import { SigningKey } from './signing-key.ts';
import { contentOf, describeContent, inChunks } from './testing/content.ts';
import { smallDisk } from './testing/small-disk.ts';

suite('a store on a full disk', () => {
  test('refuses the push, gives its space back and keeps what was acknowledged', async (t) => {
    await using disk = smallDisk(8 * MiB);
    if (!disk) return t.skip('mounting a tmpfs needs root');
    const key = await SigningKey.loadOrCreate(join(disk.path, 'key.pem'));
    const store = await BlobStore.open({ folder: join(disk.path, 'store'), policy: defaultPieceLengthPolicy, key });
    const small = contentOf(1, 2 * MiB);
    const { digest } = describeContent(small);
    const first = await store.uploads.create(parseRepositoryName('a'));
    await first.append(inChunks(small));
    await first.commit(digest);

    const upload = await store.uploads.create(parseRepositoryName('a'));
    await assert.rejects(upload.append(inChunks(contentOf(2, 9 * MiB))), (error) => {
      assert.ok(error instanceof StoreFullError);
      assert.deepEqual([error.code, error.status], ['STORE_FULL', 507]);
      return true;
    });
    await assert.rejects(store.put(contentOf(3, 9 * MiB)), StoreFullError);
    assert.deepEqual(await readdir(join(disk.path, 'store', 'uploads')), []);
    assert.deepEqual(await readdir(join(disk.path, 'store', 'tmp')), []);
    assert.equal(store.uploads.count, 0);

    using blob = await store.open(digest);
    const kept = new Uint8Array(small.length);
    blob?.readInto(kept, 0);
    assert.deepEqual(kept, small);
    await store.put(contentOf(4, 3 * MiB));
    await store.close();
  });
});
