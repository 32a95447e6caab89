import { KiB, leafLength, MiB, parseDigest, parseRepositoryName, parseTag } from '@shoal/core';
import assert from 'node:assert/strict';
import { readdirSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { BlobPaths } from './blob-paths.ts';
import { FolderInUseError } from './errors.ts';
import { PieceCache, type PieceCacheOptions } from './piece-cache.ts';
import { deliver, readAll, store, unsigned } from './testing/cached.ts';
import { contentOf, temporaryFolder } from './testing/content.ts';

const bytes = contentOf(3, 2 * MiB + 5);
const signed = unsigned(bytes);
const { digest } = signed.metainfo;

const openCache = (folder: string, options: Partial<PieceCacheOptions> = {}): Promise<PieceCache> =>
  PieceCache.open({ folder, quotaBytes: 64 * MiB, ...options });

suite('PieceCache', () => {
  test('pieces in any order make a complete blob, which is there after a clean restart', async () => {
    await using folder = temporaryFolder();
    const first = await openCache(folder.path);
    assert.equal(first.get(digest), undefined);
    const blob = await first.create(signed);
    assert.deepEqual([blob.size, blob.have.count, blob.complete, blob.suspect], [bytes.length, 0, false, false]);
    for (let index = blob.have.length - 1; index >= 0; index--) deliver(blob, bytes, index);
    await blob.finish();
    assert.deepEqual(readAll(blob), bytes);
    await first.close();
    const cache = await openCache(folder.path);
    assert.equal(cache.unclean, false);
    const again = cache.get(digest);
    assert.ok(again?.complete && !again.suspect);
    assert.deepEqual(again.signed, signed);
    assert.deepEqual(readAll(again), bytes);
    assert.deepEqual(await again.verify(), { verified: 0, verifiedBytes: 0, rejected: 0 });
    assert.deepEqual(cache.stats(), { bytes: bytes.length, blobs: 1, evictions: 0, quotaBytes: 64 * MiB });
    await cache.close();
  });

  test('a part of a blob keeps its pieces over a clean restart', async () => {
    await using folder = temporaryFolder();
    const first = await openCache(folder.path);
    const blob = await first.create(signed);
    for (const index of [0, 3, 8]) deliver(blob, bytes, index);
    deliver(blob, bytes, 5);
    blob.unmark(5);
    await assert.rejects(blob.finish(), { code: 'BLOB_INCOMPLETE' });
    await first.close();
    const cache = await openCache(folder.path);
    const have = cache.get(digest)?.have;
    assert.deepEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].filter((index) => have?.has(index)),
      [0, 3, 8],
    );
    await cache.close();
  });

  test('an empty blob is complete at once', async () => {
    await using folder = temporaryFolder();
    const cache = await openCache(folder.path);
    const blob = await cache.create(unsigned(new Uint8Array()));
    assert.ok(blob.complete);
    await blob.finish();
    assert.equal(readAll(blob).length, 0);
    await cache.close();
  });

  test('creating what is there gives the same blob; a part that is cut otherwise by now starts anew', async () => {
    await using folder = temporaryFolder();
    const cache = await openCache(folder.path);
    const [a, b] = await Promise.all([cache.create(signed), cache.create(signed)]);
    assert.equal(a, b);
    deliver(a, bytes, 0);
    const coarse = unsigned(bytes, { piecesTarget: 1, lengthMin: leafLength, lengthMax: 4 * leafLength });
    const downloading = a.retain();
    assert.equal(await cache.create(coarse), a);
    downloading[Symbol.dispose]();
    const c = await cache.create(coarse);
    assert.deepEqual([c.pieceLength, c.have.count, a.removed], [4 * leafLength, 0, true]);
    assert.equal(cache.stats().bytes, bytes.length);
    await cache.close();
  });

  test('the file is sparse', async () => {
    await using folder = temporaryFolder();
    const cache = await openCache(folder.path);
    const blob = await cache.create(signed);
    deliver(blob, bytes, 8);
    const { size, blocks } = statSync(new BlobPaths(folder.path).content(digest));
    assert.equal(size, bytes.length);
    assert.ok(blocks * 512 < MiB, `${blocks} blocks`);
    await cache.close();
  });

  test('a write outside the blob is refused', async () => {
    await using folder = temporaryFolder();
    const cache = await openCache(folder.path);
    const blob = await cache.create(signed);
    assert.throws(() => blob.writeSync(bytes, 1), /position/);
    assert.throws(() => blob.writeSync(bytes.subarray(0, 1), -1), /position/);
    assert.throws(() => blob.markPiece(99), /piece/);
    await cache.close();
  });

  test('a removed blob is read on by who retains it, by nobody else', async () => {
    await using folder = temporaryFolder();
    const cache = await openCache(folder.path);
    const blob = await store(cache, bytes);
    const reading = blob.retain();
    assert.equal(cache.remove(digest), true);
    assert.equal(cache.remove(digest), false);
    assert.equal(cache.get(digest), undefined);
    assert.deepEqual(readAll(blob), bytes);
    const fresh = await cache.create(signed);
    assert.equal(fresh.have.count, 0);
    reading[Symbol.dispose]();
    reading[Symbol.dispose]();
    assert.throws(() => blob.retain(), { code: 'BLOB_REMOVED' });
    assert.throws(() => readAll(blob), { code: 'BLOB_REMOVED' });
    assert.equal(cache.stats().bytes, bytes.length);
    await cache.close();
  });

  test('a blob whose files are deleted under a running process is dropped', async () => {
    await using folder = temporaryFolder();
    const dropped: string[] = [];
    const cache = await openCache(folder.path, { events: { onDropped: (name) => dropped.push(name) } });
    const blob = await store(cache, bytes);
    rmSync(new BlobPaths(folder.path).content(digest));
    assert.throws(() => blob.retain(), { code: 'BLOB_REMOVED' });
    assert.deepEqual(dropped, [digest]);
    assert.equal(cache.get(digest), undefined);
    assert.equal(cache.stats().bytes, 0);
    await cache.close();
  });

  test('metainfo that is unreadable or no longer trusted drops its blob', async () => {
    await using folder = temporaryFolder();
    const paths = new BlobPaths(folder.path);
    for (const damage of ['torn', 'other', 'untrusted'] as const) {
      const first = await openCache(folder.path);
      await store(first, bytes);
      const other = await store(first, contentOf(9, 100));
      await first.close();
      if (damage === 'torn') truncateSync(paths.metainfo(digest), 10);
      if (damage === 'other') renameSync(paths.metainfo(other.digest), paths.metainfo(digest));
      const dropped: string[] = [];
      const cache = await openCache(folder.path, {
        trusts: (candidate) => damage !== 'untrusted' || candidate.metainfo.digest !== digest,
        events: { onDropped: (name) => dropped.push(name) },
      });
      assert.deepEqual(
        [...cache.entries()].map((blob) => blob.digest),
        damage === 'other' ? [] : [other.digest],
      );
      assert.deepEqual(dropped, [digest]);
      assert.equal(readdirSync(paths.shard(digest)).length, 0);
      await cache.close();
    }
  });

  test('leftovers that make no blob are removed at open', async () => {
    await using folder = temporaryFolder();
    await (await openCache(folder.path)).close();
    const paths = new BlobPaths(folder.path);
    paths.shard(digest);
    writeFileSync(paths.content(digest), bytes);
    writeFileSync(paths.pieces(digest), 'x');
    const cache = await openCache(folder.path);
    assert.deepEqual(readdirSync(paths.shard(digest)), []);
    assert.equal(cache.stats().blobs, 0);
    await cache.close();
  });

  test('tag records and media types are there after a restart', async () => {
    await using folder = temporaryFolder();
    const [repository, tag] = [parseRepositoryName('team/app'), parseTag('v1.2')];
    const first = await openCache(folder.path);
    first.putTagRecord(repository, tag, bytes.subarray(0, 500));
    first.putTagRecord(repository, tag, bytes.subarray(0, 600));
    first.putMediaType(digest, 'application/vnd.oci.image.index.v1+json');
    await first.close();
    const cache = await openCache(folder.path);
    assert.deepEqual(cache.tagRecord(repository, tag), bytes.slice(0, 600));
    assert.deepEqual([...cache.tagRecords()], [{ repository, tag }]);
    assert.equal(cache.tagRecord(repository, parseTag('other')), undefined);
    assert.equal(cache.mediaType(digest), 'application/vnd.oci.image.index.v1+json');
    assert.equal(cache.mediaType(parseDigest(`sha256:${'0'.repeat(64)}`)), undefined);
    await cache.close();
  });

  test('a folder has one owner', async () => {
    await using folder = temporaryFolder();
    const cache = await openCache(folder.path);
    await assert.rejects(openCache(folder.path), FolderInUseError);
    await cache.close();
  });

  test('2,000 small blobs are known again without their metainfo being read', async () => {
    await using folder = temporaryFolder();
    let nowMs = Date.UTC(2026, 0, 1);
    const first = await openCache(folder.path, { clock: () => (nowMs += 1000) });
    for (let index = 0; index < 2000; index++) await store(first, contentOf(index, 1 + (index % KiB)));
    await first.close();
    let loaded = 0;
    const cache = await openCache(folder.path, { trusts: () => ++loaded > 0 });
    assert.equal(cache.stats().blobs, 2000);
    assert.equal(loaded, 0);
    const [newest] = cache.entries();
    assert.equal(newest?.size, 1 + (1999 % KiB));
    assert.equal(loaded, 1);
    assert.ok(statSync(join(folder.path, 'running')).isFile());
    await cache.close();
  });
});
