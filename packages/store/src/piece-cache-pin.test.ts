import { MiB } from '@shoal/core';
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PieceCache } from './piece-cache.ts';
import { forgetOwner, store, unsigned } from './testing/cached.ts';
import { contentOf, temporaryFolder } from './testing/content.ts';

const listed = (cache: PieceCache) => new Map([...cache.listing()].map((blob) => [blob.digest, blob]));

suite('pins', () => {
  test('outlive a restart and a kill, and are never evicted', async () => {
    await using folder = temporaryFolder();
    const options = { folder: folder.path, quotaBytes: 4 * MiB };
    const first = await PieceCache.open(options);
    const [kept, other] = [await store(first, contentOf(1, MiB)), await store(first, contentOf(2, MiB))];
    assert.deepEqual(first.pin([kept.digest], true), [kept.digest]);
    assert.deepEqual(first.pin([kept.digest], true), [], 'it is pinned already');
    assert.equal(first.discard(kept.digest), 'pinned');
    forgetOwner(folder.path);
    const second = await PieceCache.open(options);
    assert.deepEqual([second.unclean, second.pinnedBytes], [true, MiB]);
    for (let seed = 3; seed < 8; seed++) await store(second, contentOf(seed, MiB));
    assert.equal(listed(second).get(kept.digest)?.pinned, true);
    assert.equal(listed(second).has(other.digest), false);
    await second.close();
    const third = await PieceCache.open(options);
    third.pin([kept.digest], false);
    assert.deepEqual(
      [third.pinnedBytes, third.discard(kept.digest), third.discard(kept.digest)],
      [0, 'removed', 'absent'],
    );
    await third.close();
  });

  test('are refused where eviction would be left with too little, all of them or none', async () => {
    await using folder = temporaryFolder();
    const cache = await PieceCache.open({ folder: folder.path, quotaBytes: 4 * MiB, highWater: 1 });
    const blobs = [];
    for (let seed = 0; seed < 4; seed++) blobs.push(await store(cache, contentOf(seed, MiB)));
    const digests = blobs.map(({ digest }) => digest);
    assert.throws(() => cache.pin(digests, true), {
      code: 'PINS_FULL',
      message: /4\.0 MiB would be pinned; allowed are 3\.4 MiB/,
    });
    assert.equal(cache.pinnedBytes, 0);
    cache.pin(digests.slice(0, 3), true);
    assert.throws(() => cache.pin(digests.slice(3), true), { code: 'PINS_FULL' });
    const unknown = unsigned(contentOf(99, 10)).metainfo.digest;
    assert.throws(() => cache.pin([unknown], true), { code: 'NOT_CACHED' });
    await cache.close();
  });

  test('what is read is not discarded', async () => {
    await using folder = temporaryFolder();
    const cache = await PieceCache.open({ folder: folder.path, quotaBytes: 4 * MiB });
    const blob = await store(cache, contentOf(1, MiB));
    {
      using _reading = blob.retain();
      assert.equal(cache.discard(blob.digest), 'in use');
      assert.equal(listed(cache).get(blob.digest)?.inUse, true);
    }
    assert.equal(cache.discard(blob.digest), 'removed');
    assert.deepEqual([...cache.listing()], []);
    await cache.close();
  });
});
