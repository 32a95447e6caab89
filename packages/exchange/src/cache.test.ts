import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { PieceCache } from '@shoal/store';
import { seedOf, testBlob } from './testing/blobs.ts';
import { startDownload, startNode } from './testing/nodes.ts';

test('a download into the cache is taken up by the next process, and served from there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-exchange-'));
  const blob = testBlob(24_000_000, 90);
  const signed = { metainfo: blob.metainfo, signatures: [] };
  const seed = await startNode('agent');
  seed.seed(seedOf(blob), 'peer');
  const nodes = [seed];
  try {
    let cache = await PieceCache.open({ folder, quotaBytes: 1e9 });
    let leech = await startNode('agent');
    const first = startDownload(leech, await cache.create(signed), [seed]);
    await once(first.events, 'piece');
    await leech.close();
    await cache.close();

    cache = await PieceCache.open({ folder, quotaBytes: 1e9 });
    leech = await startNode('agent');
    nodes.push(leech);
    const cached = await cache.create(signed);
    const held = cached.have.count;
    assert.ok(held > 0 && !cached.complete);
    const { download, done } = startDownload(leech, cached, [seed]);
    await done;
    await cached.finish();
    assert.equal(download.stats.bytesFromPeers, blob.bytes.length - held * blob.metainfo.pieceLength);

    const third = await startNode('agent');
    nodes.push(third);
    const otherCache = await PieceCache.open({ folder: join(folder, 'other'), quotaBytes: 1e9 });
    const copy = await otherCache.create(signed);
    await startDownload(third, copy, [leech]).done;
    const bytes = Buffer.alloc(blob.bytes.length);
    copy.readInto(bytes, 0);
    assert.equal(`sha256:${createHash('sha256').update(bytes).digest('hex')}`, blob.digest);
    await Promise.all(nodes.map((node) => node.close()));
    await Promise.all([cache.close(), otherCache.close()]);
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
    await rm(folder, { recursive: true, force: true });
  }
});
