import { type Digest, KiB, MiB } from '@shoal/core';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { suite, test } from 'node:test';
import { BlobPaths } from './blob-paths.ts';
import type { CachedBlob } from './cached-blob.ts';
import { BlobTooLargeError, StoreFullError } from './errors.ts';
import { makeRoom } from './eviction.ts';
import { PieceCache } from './piece-cache.ts';
import { deliver, store, unsigned } from './testing/cached.ts';
import { contentOf, temporaryFolder } from './testing/content.ts';

interface Candidate {
  readonly id: number;
  readonly size: number;
  readonly storedBytes: number;
  readonly retained: boolean;
}

const anyCandidates = fc
  .array(fc.record({ size: fc.nat(300), stored: fc.nat(100), retained: fc.boolean() }), { maxLength: 20 })
  .map((all) =>
    all.map(({ size, stored, retained }, id): Candidate => ({
      id,
      size,
      retained,
      storedBytes: Math.floor((size * stored) / 100),
    })),
  );

const sizeOf = (all: readonly Candidate[]): number => all.reduce((sum, { size }) => sum + size, 0);

suite('eviction', () => {
  test('makes room by the oldest, never by retained ones, and only when it helps', () => {
    fc.assert(
      fc.property(anyCandidates, fc.nat(1200), fc.integer({ min: -500, max: 500 }), (all, size, diskShortBytes) => {
        const quotaBytes = Math.max(1000, sizeOf(all));
        const retained = all.filter((blob) => blob.retained);
        const candidates = all.filter((blob) => !blob.retained);
        const [bytes, retainedBytes] = [sizeOf(all), sizeOf(retained)];
        const decision = makeRoom({
          size,
          bytes,
          retainedBytes,
          quotaBytes,
          highWater: 0.9,
          lowWater: 0.7,
          diskShortBytes,
          blobsOver: 0,
          candidates,
        });
        if (decision.kind === 'tooLarge') return assert.ok(size > quotaBytes);
        if (decision.kind === 'retained') return assert.ok(retainedBytes + size > quotaBytes);
        const storedBytes = candidates.reduce((sum, blob) => sum + blob.storedBytes, 0);
        if (decision.kind === 'diskFull') return assert.ok(storedBytes < diskShortBytes);
        assert.ok(decision.kind === 'room');
        const { victims } = decision;
        assert.deepEqual(victims, candidates.slice(0, victims.length), 'the least recently used ones, in order');
        const after = bytes + size - sizeOf(victims);
        assert.ok(after <= quotaBytes);
        if (bytes + size > quotaBytes * 0.9) {
          assert.ok(after <= quotaBytes * 0.7 || victims.length === candidates.length);
          const last = victims.at(-1);
          if (last && diskShortBytes <= 0)
            assert.ok(after + last.size > quotaBytes * 0.7, 'one fewer would not have done');
        } else if (diskShortBytes <= 0) {
          assert.deepEqual(victims, []);
        }
      }),
    );
  });

  test('a cache stays under its quota, drops the least recently used first and never what is retained', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('create' as const), blob: fc.nat(19) }),
      fc.record({ do: fc.constantFrom('touch' as const, 'retain' as const, 'release' as const), blob: fc.nat(19) }),
    );
    const contents = Array.from({ length: 20 }, (_, index) => contentOf(index, (1 + (index % 5)) * 50 * KiB));
    const infos = contents.map((content) => unsigned(content));
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        await using folder = temporaryFolder();
        const quotaBytes = MiB;
        const retained = new Map<Digest, Disposable>();
        let order: Digest[] = [];
        const use = (digest: Digest) => (order = [...order.filter((other) => other !== digest), digest]);
        const events = {
          onEvict: (blob: CachedBlob) => {
            assert.ok(!retained.has(blob.digest), 'a retained blob is evicted');
            assert.equal(
              blob.digest,
              order.find((digest) => !retained.has(digest)),
              'not the least recently used one',
            );
            assert.ok(existsSync(new BlobPaths(folder.path).content(blob.digest)), 'the hook comes before the unlink');
            order = order.filter((digest) => digest !== blob.digest);
          },
        };
        const cache = await PieceCache.open({ folder: folder.path, quotaBytes, events });
        for (const { do: action, blob: index } of steps) {
          const info = infos[index]!;
          const { digest } = info.metainfo;
          if (action === 'create') {
            await cache.create(info).then(
              () => use(digest),
              (error: unknown) => assert.ok(error instanceof StoreFullError),
            );
          } else if (action === 'release') {
            retained.get(digest)?.[Symbol.dispose]();
            retained.delete(digest);
          } else {
            const blob = cache.get(digest);
            if (!blob || retained.has(digest)) continue;
            if (action === 'retain') retained.set(digest, blob.retain());
            else blob.touch();
            use(digest);
          }
          assert.deepEqual(
            [...cache.entries()].map((blob) => blob.digest),
            order.toReversed(),
          );
          assert.ok(cache.stats().bytes <= quotaBytes);
          assert.equal(
            cache.stats().bytes,
            [...cache.entries()].reduce((sum, blob) => sum + blob.size, 0),
          );
        }
        await cache.close();
      }),
      { numRuns: 25 },
    );
  });

  test('a blob above the quota is too large; beside retained ones there may be no room for now', async () => {
    await using folder = temporaryFolder();
    const cache = await PieceCache.open({ folder: folder.path, quotaBytes: MiB });
    const blob = await store(cache, contentOf(1, 700 * KiB));
    await assert.rejects(cache.create(unsigned(contentOf(2, MiB + 1))), BlobTooLargeError);
    const reading = blob.retain();
    await assert.rejects(cache.create(unsigned(contentOf(2, 500 * KiB))), StoreFullError);
    assert.ok(cache.get(blob.digest)?.complete, 'nothing was evicted in vain');
    reading[Symbol.dispose]();
    await cache.create(unsigned(contentOf(2, 500 * KiB)));
    assert.equal(cache.get(blob.digest), undefined);
    assert.equal(cache.stats().evictions, 1);
    await cache.close();
  });

  test('the order of use and a smaller quota hold after a restart', async () => {
    await using folder = temporaryFolder();
    let nowMs = 0;
    const clock = () => nowMs++;
    const first = await PieceCache.open({ folder: folder.path, quotaBytes: MiB, clock });
    const blobs = [];
    for (let index = 0; index < 4; index++) blobs.push(await store(first, contentOf(index, 200 * KiB)));
    blobs[0]?.touch();
    await first.close();
    const cache = await PieceCache.open({ folder: folder.path, quotaBytes: 600 * KiB, clock });
    const expected = [blobs[0], blobs[3]].map((blob) => blob?.digest);
    assert.deepEqual(
      [...cache.entries()].map((blob) => blob.digest),
      expected,
    );
    await cache.close();
  });

  test('the free minimum of the disk counts what other blobs still have to get', async () => {
    await using folder = temporaryFolder();
    const cache = await PieceCache.open({ folder: folder.path, quotaBytes: MiB, diskFreeBytesMin: 2 ** 50 });
    await assert.rejects(cache.create(unsigned(contentOf(1, 10))), StoreFullError);
    await cache.close();
  });

  test('the number of blobs is bounded', async () => {
    await using folder = temporaryFolder();
    const cache = await PieceCache.open({ folder: folder.path, quotaBytes: MiB, blobsMax: 3 });
    for (let index = 0; index < 6; index++)
      deliver(await cache.create(unsigned(contentOf(index, 10))), contentOf(index, 10), 0);
    assert.deepEqual(cache.stats(), { bytes: 30, blobs: 3, evictions: 3, quotaBytes: MiB });
    await cache.close();
  });
});
