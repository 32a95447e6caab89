import {
  defaultPieceLengthPolicy,
  type Digest,
  metainfoStatement,
  MiB,
  parseDigest,
  parseRepositoryName,
} from '@shoal/core';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { BlobPaths } from './blob-paths.ts';
import { BlobStore } from './blob-store.ts';
import { disk } from './disk.ts';
import { FolderInUseError } from './errors.ts';
import { SigningKey } from './signing-key.ts';
import { contentOf, describeContent, inChunks, temporaryFolder } from './testing/content.ts';
import { TrustedKeys } from './trusted-keys.ts';

const repository = parseRepositoryName('team/app');
const bytes = contentOf(1, 3 * MiB + 17);
const { digest, metainfo } = describeContent(bytes);

const openStore = async (folder: string, onCorrupt?: (digest: Digest) => void): Promise<BlobStore> => {
  const key = await SigningKey.loadOrCreate(join(folder, 'key.pem'));
  return BlobStore.open({ folder, policy: defaultPieceLengthPolicy, key, ...(onCorrupt && { onCorrupt }) });
};

const push = async (store: BlobStore, content = bytes, name = digest) => {
  const upload = await store.uploads.create(repository);
  await upload.append(inChunks(content));
  return upload.commit(name);
};

const readAll = async (store: BlobStore, name: Digest): Promise<Uint8Array | undefined> => {
  using blob = await store.open(name);
  if (!blob) return undefined;
  const buffer = new Uint8Array(blob.size + 10);
  return buffer.subarray(0, blob.readInto(buffer, 0));
};

suite('BlobStore', () => {
  test('a committed blob is there after a restart, with metainfo that its key signed', async () => {
    await using folder = temporaryFolder();
    const first = await openStore(folder.path);
    const signed = await push(first);
    assert.deepEqual(signed.metainfo, metainfo);
    await first.close();
    const store = await openStore(folder.path);
    assert.deepEqual(await store.stat(digest), { size: bytes.length });
    assert.deepEqual(await readAll(store, digest), bytes);
    const loaded = await store.metainfo(digest);
    const key = await SigningKey.loadOrCreate(join(folder.path, 'key.pem'));
    assert.ok(loaded && new TrustedKeys([key.record]).verify(metainfoStatement(loaded.metainfo), loaded.signatures));
    assert.equal(store.count, 1);
    assert.equal(store.uploads.count, 0);
    await store.close();
  });

  test('what is not there is undefined', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    assert.deepEqual(
      [await store.stat(digest), await store.metainfo(digest), await store.open(digest)],
      [undefined, undefined, undefined],
    );
    assert.equal(await store.delete(digest), false);
    await store.close();
  });

  test('an empty blob and small content have their digests, by sha512 as well', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const empty = await store.put(new Uint8Array());
    assert.equal(empty, 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    assert.equal((await readAll(store, empty))?.length, 0);
    await push(store, new Uint8Array(), empty);
    const long = await store.put(bytes, 'sha512');
    assert.equal(long, `sha512:${createHash('sha512').update(bytes).digest('hex')}`);
    assert.equal((await store.metainfo(long))?.metainfo.digest, long);
    assert.deepEqual(new Set(await Array.fromAsync(store.list())), new Set([empty, long]));
    await store.close();
  });

  test('an upload is committed under its sha512 digest', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const long = parseDigest(`sha512:${createHash('sha512').update(bytes).digest('hex')}`);
    const signed = await push(store, bytes, long);
    assert.deepEqual(signed.metainfo, { ...metainfo, digest: long });
    assert.deepEqual(await readAll(store, long), bytes);
    await store.close();
  });

  test('the same digest committed many times at once is one blob', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const all = await Promise.all(Array.from({ length: 6 }, () => push(store)));
    assert.ok(all.every((signed) => signed.metainfo.root.toHex() === metainfo.root.toHex()));
    assert.equal(store.count, 1);
    assert.deepEqual(await readAll(store, digest), bytes);
    assert.deepEqual(await readdir(join(folder.path, 'uploads')), []);
    await store.close();
  });

  test('a blob deleted while open is read to its end, and can be pushed again', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    await push(store);
    using held = await store.open(digest);
    using shared = await store.open(digest);
    assert.ok(held && shared && held.fd === shared.fd);
    shared.close();
    assert.throws(() => shared.fd, /closed/);
    assert.equal(await store.delete(digest), true);
    assert.equal(await store.open(digest), undefined);
    assert.equal(store.count, 0);
    await push(store);
    const end = new Uint8Array(100);
    assert.equal(held.readInto(end, bytes.length - 50), 50);
    assert.deepEqual(end.subarray(0, 50), bytes.subarray(-50));
    assert.deepEqual(await readAll(store, digest), bytes);
    await store.close();
  });

  for (const repush of ['push', 'put'] as const) {
    test(`content that the disk has damaged is repaired by another ${repush}, for open readers too`, async () => {
      await using folder = temporaryFolder();
      const file = new BlobPaths(folder.path).content(digest);
      const damaged = Uint8Array.from(bytes);
      damaged.fill(0, MiB, MiB + 100);
      const store = await openStore(folder.path);
      const { metainfo: before } = await push(store);
      using held = await store.open(digest);
      assert.ok(held);
      await writeFile(file, damaged);
      assert.deepEqual(await readAll(store, digest), damaged);
      await (repush === 'push' ? push(store) : store.put(bytes));
      assert.deepEqual(await readAll(store, digest), bytes);
      const open = new Uint8Array(bytes.length);
      held.readInto(open, 0);
      assert.deepEqual(open, bytes);
      assert.deepEqual((await store.metainfo(digest))?.metainfo, before);
      assert.equal(store.count, 1);
      await truncate(file, 1000);
      await (repush === 'push' ? push(store) : store.put(bytes));
      assert.deepEqual(await readAll(store, digest), bytes);
      assert.deepEqual(held.readInto(open, 0), bytes.length);
      await store.close();
    });
  }

  test('metainfo that is missing, torn, of another blob or by another key is rebuilt', async () => {
    await using folder = temporaryFolder();
    const file = new BlobPaths(folder.path).metainfo(digest);
    const damages = [
      () => rm(file),
      () => truncate(file, 40),
      () => writeFile(file, 'null'),
      () => rm(join(folder.path, 'key.pem')),
    ];
    const first = await openStore(folder.path);
    await push(first);
    await first.close();
    for (const damage of damages) {
      await damage();
      const store = await openStore(folder.path);
      assert.deepEqual((await store.metainfo(digest))?.metainfo, metainfo);
      await store.close();
    }
  });

  test('content without its digest is dropped and reported when its metainfo does not fit it', async () => {
    await using folder = temporaryFolder();
    const first = await openStore(folder.path);
    await push(first);
    await first.close();
    await truncate(new BlobPaths(folder.path).content(digest), 1000);
    const corrupt: Digest[] = [];
    const store = await openStore(folder.path, (name) => corrupt.push(name));
    assert.equal(await store.open(digest), undefined);
    assert.deepEqual(corrupt, [digest]);
    assert.equal(store.count, 0);
    await store.close();
  });

  test('bytes and metainfo are on the medium before their names, and the names before the answer', async (t) => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const upload = await store.uploads.create(repository);
    await upload.append(inChunks(bytes));
    const done: string[] = [];
    const watch = (name: 'syncFile' | 'syncFolder' | 'writeFileSynced' | 'rename') => {
      const original = disk[name] as (...paths: string[]) => Promise<void>;
      t.mock.method(disk, name, async (...paths: string[]) => {
        await original(...paths);
        done.push(
          `${name} ${basename(paths[name === 'rename' ? 1 : 0] ?? '').replace(/^[0-9a-f]{8}-[0-9a-f-]{27}$/, '*')}`,
        );
      });
    };
    for (const name of ['syncFile', 'syncFolder', 'writeFileSynced', 'rename'] as const) watch(name);
    await upload.commit(digest);
    const at = (entry: string): number => {
      assert.ok(done.includes(entry), `${entry} in ${done.join(', ')}`);
      return done.indexOf(entry);
    };
    const hex = digest.slice(7);
    const named = at(`rename ${hex}`);
    assert.ok(at('syncFile data') < named);
    assert.ok(at('writeFileSynced *') < at(`rename ${hex}.meta`));
    assert.ok(at(`rename ${hex}.meta`) < named);
    assert.ok(at(`syncFolder ${basename(dirname(new BlobPaths('').content(digest)))}`) > named);
    await store.close();
  });

  test('a folder has one owner', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    await assert.rejects(openStore(folder.path), FolderInUseError);
    await store.close();
    await (await openStore(folder.path)).close();
  });
});
