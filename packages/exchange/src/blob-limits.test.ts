import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, MiB } from '@shoal/core';
import { MemoryBlob, seedOf, smallPieces, testBlob } from './testing/blobs.ts';
import { nodesOfFile, startDownload } from './testing/nodes.ts';

const node = nodesOfFile();

/** What an idle time saves up, a part of the rate. */
const burst = 0.05;

test("an upload at its blob's limit keeps neither the connection nor a slot from another blob", async () => {
  const begun = Promise.withResolvers<void>();
  const seed = await node('agent', {
    limits: { blobUploadBytesPerSecondMax: 512 * KiB },
    uploadLimits: { activeMax: 2 },
    events: { bytesSent: () => begun.resolve() },
  });
  const leech = await node('agent');
  // A piece takes eight seconds at this rate, and the burst is a part of a chunk.
  const pieces = { ...smallPieces, lengthMin: 4 * MiB };
  const [large, other] = [testBlob(32 * MiB, 40, pieces), testBlob(320 * KiB, 41, pieces)];
  for (const blob of [large, other]) seed.seed(seedOf(blob), 'peer');
  const slow = startDownload(leech, new MemoryBlob(large.metainfo), [seed]);
  await begun.promise;
  const blob = new MemoryBlob(other.metainfo);
  await startDownload(leech, blob, [seed]).done;
  assert.equal(blob.digest, other.digest);
  assert.equal(slow.download.stats.bytesFromPeers, 0, 'the other was done before a piece of the first was');
});

for (const [name, limited] of [
  ['uploads', 'seed'],
  ['downloads', 'leech'],
] as const) {
  test(`${name} of two blobs on one link have the limit each: both take as long as one of them`, async () => {
    const [rate, length] = [4 * MiB, 4 * MiB];
    const key = limited === 'seed' ? 'blobUploadBytesPerSecondMax' : 'blobDownloadBytesPerSecondMax';
    const limits = { [key]: rate };
    const seed = await node('agent', limited === 'seed' ? { limits } : {});
    const leech = await node('agent', limited === 'leech' ? { limits } : {});
    const fetch = async (number: number): Promise<number> => {
      const source = testBlob(length, number);
      seed.seed(seedOf(source), 'peer');
      const blob = new MemoryBlob(source.metainfo);
      const startMs = performance.now();
      await startDownload(leech, blob, [seed]).done;
      assert.equal(blob.digest, source.digest);
      return performance.now() - startMs;
    };
    const aloneMs = await fetch(42);
    const times = await Promise.all([fetch(43), fetch(44)]);
    const atLeastMs = ((length - 256 * KiB - burst * rate) / rate) * 1000;
    for (const ms of [aloneMs, ...times]) assert.ok(ms >= atLeastMs, `${ms} ms for a blob that takes ${atLeastMs}`);
    // One limit for both would take them twice as long.
    assert.ok(Math.max(...times) < 1.6 * aloneMs, `${times.join(' and ')} ms beside ${aloneMs} ms alone`);
  });
}

test('pieces that wait for the limit of the node are not asked for a second time', async () => {
  // A piece is one frame, which has not begun while it waits in the kernel; the last of these waits for ten seconds.
  const source = testBlob(5 * MiB, 46);
  const seeds = await Promise.all(Array.from({ length: 4 }, () => node('agent')));
  for (const seed of seeds) seed.seed(seedOf(source), 'peer');
  const leech = await node('agent', { transportLimits: { downloadBytesPerSecondMax: 512 * KiB } });
  const blob = new MemoryBlob(source.metainfo);
  const { download, done } = startDownload(leech, blob, seeds);
  await done;
  assert.equal(blob.digest, source.digest);
  // At the end everybody is asked for what is left.
  assert.ok(download.stats.bytesDiscarded <= 2 * MiB, `${download.stats.bytesDiscarded} bytes came in vain`);
});

test('the HTTP fallback is within the limit of the node, but for a piece that is urgent', async () => {
  const leech = await node('agent', { transportLimits: { downloadBytesPerSecondMax: 100_000 } });
  const blob = testBlob(4 * 256 * KiB, 47);
  const { download } = startDownload(leech, new MemoryBlob(blob.metainfo), []);
  const piece = download.claimMissing();
  assert.notEqual(piece, undefined);
  assert.ok(download.deliverBytes(piece!, new Uint8Array(200 * KiB)));
  assert.equal(download.claimMissing(), undefined, 'two seconds are owed');
  assert.notEqual(download.claimMissing({ urgent: true }), undefined);
});

test('what the HTTP fallback may claim is within the limit of the blob', async () => {
  const leech = await node('agent', { limits: { blobDownloadBytesPerSecondMax: 1000 } });
  const blob = new MemoryBlob(testBlob(4 * 256 * KiB, 45).metainfo);
  const { download } = startDownload(leech, blob, []);
  const piece = download.claimMissing();
  assert.notEqual(piece, undefined);
  assert.equal(download.claimMissing({ anyMissing: true }), undefined);
  download.released(piece!);
  assert.notEqual(download.claimMissing(), undefined);
});
