import { defaultPieceLengthPolicy, growingCut, leafLength, MiB } from '@shoal/core';
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { BlobStore } from './blob-store.ts';
import { PieceCache } from './piece-cache.ts';
import { SigningKey } from './signing-key.ts';
import { deliver, unsigned } from './testing/cached.ts';
import { contentOf, describeContent, temporaryFolder } from './testing/content.ts';

const bytes = contentOf(1, 2 * MiB + 17);
const { digest, metainfo } = describeContent(bytes);

const openStore = async (folder: string): Promise<BlobStore> => {
  const key = await SigningKey.loadOrCreate(join(folder, 'key.pem'));
  return BlobStore.open({ folder, policy: defaultPieceLengthPolicy, key });
};

suite('GrowingBlob', () => {
  test('its pieces are known with their last byte, all but the last one, and it becomes a blob', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    const blob = await store.grow(digest, bytes.length);
    const pieces: number[] = [];
    for (let at = 0; at < bytes.length; at += 100_003) {
      pieces.push(...(await blob.append(bytes.subarray(at, at + 100_003))));
      assert.equal(pieces.length, Math.min(8, Math.floor(blob.received / leafLength)));
    }
    assert.deepEqual(blob.cut?.pieceHashes, [...metainfo.pieceHashes.slice(0, 8), undefined]);
    const buffer = new Uint8Array(bytes.length + 5);
    assert.equal(blob.readInto(buffer, 0), bytes.length);
    assert.equal(await store.stat(digest), undefined);
    assert.deepEqual((await blob.commit()).metainfo, metainfo);
    assert.deepEqual(blob.cut.pieceHashes, metainfo.pieceHashes);
    blob.close();
    assert.deepEqual(await store.stat(digest), { size: bytes.length });
    await store.close();
  });

  test('other bytes, fewer or more of them are refused, and nothing is left', async () => {
    await using folder = temporaryFolder();
    const store = await openStore(folder.path);
    for (const [content, size, code] of [
      [contentOf(2, bytes.length), bytes.length, 'DIGEST_INVALID'],
      [bytes.subarray(1), bytes.length, 'SIZE_INVALID'],
      [bytes, bytes.length - 1, 'SIZE_INVALID'],
    ] as const) {
      const blob = await store.grow(digest, size);
      await assert.rejects(
        async () => {
          await blob.append(content);
          await blob.commit();
        },
        { code },
      );
      await blob.discard();
      blob.close();
    }
    assert.deepEqual(readdirSync(join(folder.path, 'tmp')), []);
    assert.equal(await store.stat(digest), undefined);
    await store.close();
  });
});

suite('a growing blob of the cache', () => {
  const signed = unsigned(bytes);
  const cut = () => growingCut(digest, bytes.length, leafLength);
  const openCache = (folder: string): Promise<PieceCache> => PieceCache.open({ folder, quotaBytes: 64 * MiB });

  test('is not found and not complete before it is confirmed, then like any other', async () => {
    await using folder = temporaryFolder();
    const cache = await openCache(folder.path);
    const blob = await cache.createGrowing(cut());
    for (let piece = 0; piece < blob.have.length; piece++) deliver(blob, bytes, piece);
    assert.equal(cache.get(digest), undefined);
    assert.deepEqual([...cache.entries()], []);
    await assert.rejects(blob.finish(), { code: 'BLOB_INCOMPLETE' });
    cache.confirm(blob, signed);
    await blob.finish();
    assert.equal(cache.get(digest), blob);
    await cache.close();
    const again = await openCache(folder.path);
    assert.equal(again.get(digest)?.complete, true);
    await again.close();
  });

  test('does not take metainfo that contradicts its hashes', async () => {
    await using folder = temporaryFolder();
    const cache = await openCache(folder.path);
    const told = cut();
    told.pieceHashes[3] = new Uint8Array(32);
    const blob = await cache.createGrowing(told);
    assert.throws(() => cache.confirm(blob, signed), /the hashes that the pieces were checked against/);
    await cache.close();
  });

  test('is gone after a stop', async () => {
    await using folder = temporaryFolder();
    const cache = await openCache(folder.path);
    deliver(await cache.createGrowing(cut()), bytes, 0);
    const shard = join(folder.path, 'blobs', 'sha256', digest.slice(7, 9));
    assert.deepEqual(readdirSync(shard), [digest.slice(7)]);
    await cache.close();
    assert.deepEqual(readdirSync(shard), []);
  });
});
