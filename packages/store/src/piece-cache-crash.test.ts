import { leafLength, MiB } from '@shoal/core';
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BlobPaths } from './blob-paths.ts';
import { StoreFullError } from './errors.ts';
import { PieceCache } from './piece-cache.ts';
import { deliver, forgetOwner, readAll, store, unsigned } from './testing/cached.ts';
import { runAndKill } from './testing/child.ts';
import { contentOf, temporaryFolder } from './testing/content.ts';
import { smallDisk } from './testing/small-disk.ts';

const quotaBytes = 64 * MiB;
const bytes = contentOf(3, 2 * MiB);
const signed = unsigned(bytes);
const { digest } = signed.metainfo;

/** A cache with one complete blob whose process was killed; the damage happens before it is opened again. */
const reopenAfterKill = async (folder: string, damage: (paths: BlobPaths) => void): Promise<PieceCache> => {
  const killed = await PieceCache.open({ folder, quotaBytes });
  await store(killed, bytes);
  damage(new BlobPaths(folder));
  forgetOwner(folder);
  return PieceCache.open({ folder, quotaBytes });
};

const overwrite = (file: string, position: number): void => {
  const fd = openSync(file, 'r+');
  writeSync(fd, Uint8Array.of(0xff, 0, 0xff, 0), 0, 4, position);
  closeSync(fd);
};

suite('a cache whose process is killed', () => {
  test('resumes a download from the pieces that are really there', { timeout: 30_000 }, async () => {
    await using folder = temporaryFolder();
    const size = 64 * leafLength;
    const script = fileURLToPath(import.meta.resolve('./testing/download-loop.ts'));
    const lines = await runAndKill(script, [folder.path, '5', String(size)], 110);
    assert.ok(lines.length < 64, 'the kill came after the download');
    const content = contentOf(5, size);
    const cache = await PieceCache.open({ folder: folder.path, quotaBytes });
    assert.ok(cache.unclean);
    const blob = cache.get(unsigned(content).metainfo.digest);
    assert.ok(blob?.suspect);
    assert.equal(blob.have.count, 0, 'nothing counts before it has been hashed');
    const { verified, rejected } = await blob.verify();
    assert.ok(verified > 0 && verified <= lines.length, `${verified} of ${lines.length}`);
    assert.equal(rejected, 0);
    assert.equal(blob.have.count, verified);
    for (let index = 0; index < blob.have.length; index++) if (!blob.have.has(index)) deliver(blob, content, index);
    await blob.finish();
    assert.deepEqual(readAll(blob), content);
    await cache.close();
  });

  test('complete blobs count again after one pass that all who wait share', async () => {
    await using folder = temporaryFolder();
    const cache = await reopenAfterKill(folder.path, () => undefined);
    const blob = cache.get(digest);
    assert.ok(blob?.suspect && !blob.complete);
    const [a, b] = await Promise.all([blob.verify(), blob.verify()]);
    assert.equal(a, b);
    assert.deepEqual(a, { verified: 8, verifiedBytes: bytes.length, rejected: 0 });
    assert.ok(blob.complete && !blob.suspect);
    await cache.close();
    const again = await PieceCache.open({ folder: folder.path, quotaBytes });
    assert.ok(again.get(digest)?.complete);
    await again.close();
  });

  test('a tampered piece is not counted', async () => {
    await using folder = temporaryFolder();
    const cache = await reopenAfterKill(folder.path, (paths) => overwrite(paths.content(digest), 5 * leafLength + 7));
    const blob = cache.get(digest);
    assert.deepEqual(await blob?.verify(), { verified: 7, verifiedBytes: bytes.length - leafLength, rejected: 1 });
    assert.equal(blob?.have.firstMissing(), 5);
    await cache.close();
  });

  test('a file that lost its end keeps its beginning', async () => {
    await using folder = temporaryFolder();
    const cache = await reopenAfterKill(folder.path, (paths) =>
      truncateSync(paths.content(digest), 3 * leafLength + 1),
    );
    const blob = cache.get(digest);
    assert.deepEqual(await blob?.verify(), { verified: 3, verifiedBytes: 3 * leafLength, rejected: 5 });
    await cache.close();
  });

  test('without a whole bitmap the content tells what is there', async () => {
    const damages: ((file: string) => void)[] = [
      (file) => rmSync(file),
      (file) => truncateSync(file, 20),
      (file) => writeFileSync(file, ''),
    ];
    for (const damage of damages) {
      await using folder = temporaryFolder();
      const cache = await reopenAfterKill(folder.path, (paths) => damage(paths.pieces(digest)));
      const blob = cache.get(digest);
      assert.equal((await blob?.verify())?.verified, 8);
      await blob?.finish();
      await cache.close();
    }
  });

  test('a torn slot leaves the one before it', async () => {
    await using folder = temporaryFolder();
    const first = await PieceCache.open({ folder: folder.path, quotaBytes });
    const blob = await first.create(signed);
    for (const index of [0, 1, 2]) deliver(blob, bytes, index);
    await first.close();
    const second = await PieceCache.open({ folder: folder.path, quotaBytes });
    const resumed = second.get(digest)!;
    for (const index of [3, 4, 5, 6, 7]) deliver(resumed, bytes, index);
    await resumed.finish();
    const file = new BlobPaths(folder.path).pieces(digest);
    const slots = [0, 4096].map((offset) => ({ offset, sequence: readFileSync(file).readUInt32LE(offset + 8) }));
    const newest = slots.reduce((a, b) => (a.sequence > b.sequence ? a : b));
    overwrite(file, newest.offset + 36);
    forgetOwner(folder.path);
    const cache = await PieceCache.open({ folder: folder.path, quotaBytes });
    assert.equal((await cache.get(digest)?.verify())?.verified, 3);
    await cache.close();
  });

  test('what was not verified stays suspect over a clean restart', async () => {
    await using folder = temporaryFolder();
    const cache = await reopenAfterKill(folder.path, () => undefined);
    cache.get(digest)?.touch();
    await cache.close();
    const again = await PieceCache.open({ folder: folder.path, quotaBytes });
    assert.equal(again.unclean, false);
    const blob = again.get(digest);
    assert.ok(blob?.suspect && blob.have.count === 0);
    await blob.verify({ signal: AbortSignal.abort() }).then(
      () => assert.fail('the abort is ignored'),
      (error: unknown) => assert.equal((error as Error).name, 'AbortError'),
    );
    assert.equal((await blob.verify()).verified, 8);
    await again.close();
  });
});

suite('a cache on a full disk', () => {
  test('refuses what does not fit, fails writes as STORE_FULL and keeps what it has', async (t) => {
    await using disk = smallDisk(8 * MiB);
    if (!disk) return t.skip('mounting a tmpfs needs root');
    const cache = await PieceCache.open({ folder: disk.path, quotaBytes: 100 * MiB });
    const kept = await store(cache, bytes);
    const reading = kept.retain();
    await assert.rejects(cache.create(unsigned(contentOf(4, 7 * MiB))), StoreFullError);
    const content = contentOf(5, 5 * MiB);
    const blob = await cache.create(unsigned(content));
    writeFileSync(join(disk.path, 'ballast'), new Uint8Array(3 * MiB));
    assert.throws(() => {
      for (let index = 0; index < blob.have.length; index++) deliver(blob, content, index);
    }, StoreFullError);
    assert.ok(blob.have.count > 0 && !blob.complete);
    assert.deepEqual(readAll(kept), bytes);
    cache.remove(blob.digest);
    reading[Symbol.dispose]();
    const other = await cache.create(unsigned(contentOf(6, 2 * MiB)));
    assert.ok(!other.complete);
    await cache.close();
  });
});
