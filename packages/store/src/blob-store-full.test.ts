import { defaultPieceLengthPolicy, MiB, parseRepositoryName } from '@shoal/core';
import assert from 'node:assert/strict';
import { appendFileSync, rmSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { BlobStore } from './blob-store.ts';
import { StoreFullError } from './errors.ts';
import { markerName } from './folder-lock.ts';
import { SigningKey } from './signing-key.ts';
import { contentOf, describeContent, inChunks } from './testing/content.ts';
import { smallDisk } from './testing/small-disk.ts';

const fillDisk = (file: string): void => {
  assert.throws(
    () => {
      for (;;) appendFileSync(file, Buffer.alloc(4096));
    },
    { code: 'ENOSPC' },
  );
};

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

  test('opens, serves and deletes when nothing at all can be written, after a clean and an unclean stop', async (t) => {
    await using disk = smallDisk(4 * MiB);
    if (!disk) return t.skip('mounting a tmpfs needs root');
    const key = await SigningKey.loadOrCreate(join(disk.path, 'key.pem'));
    const options = { folder: join(disk.path, 'store'), policy: defaultPieceLengthPolicy, key };
    const marker = join(options.folder, markerName);
    const store = await BlobStore.open(options);
    const digest = await store.put(contentOf(1, MiB));
    await store.close();
    fillDisk(join(disk.path, 'others'));
    const afterClean = await BlobStore.open(options);
    assert.ok(await afterClean.metainfo(digest));
    await afterClean.close();

    rmSync(join(disk.path, 'others'));
    await writeFile(marker, JSON.stringify({ pid: 0, started: 'a process that was killed, with a long description' }));
    fillDisk(join(disk.path, 'others'));
    const afterKill = await BlobStore.open(options);
    assert.equal((JSON.parse(await readFile(marker, 'utf8')) as { pid: number }).pid, process.pid);
    const blob = await afterKill.open(digest);
    assert.equal(blob?.readInto(new Uint8Array(MiB), 0), MiB);
    blob.close();
    assert.ok(await afterKill.delete(digest));
    await afterKill.put(contentOf(2, MiB / 2));
    await afterKill.close();
  });
});
