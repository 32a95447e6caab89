import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { MemoryBlob, seedOf, testBlob } from './testing/blobs.ts';
import { entryOf, startDownload, nodesOfFile } from './testing/nodes.ts';

const node = nodesOfFile();

test('a blob travels from a seed to a leecher, every piece verified', async () => {
  const [seed, leech] = [await node('agent'), await node('agent')];
  const blob = testBlob(5_000_000, 1);
  const seeding = seed.seed(seedOf(blob), 'peer');
  const sink = new MemoryBlob(blob.metainfo);
  const pieces: number[] = [];
  const { download, events, done } = startDownload(leech, sink, [seed]);
  events.on('piece', (index: number) => pieces.push(index));
  await done;
  assert.equal(sink.digest, blob.digest);
  assert.equal(pieces.length, blob.metainfo.pieceHashes.length);
  assert.equal(new Set(pieces).size, pieces.length);
  assert.equal(download.stats.bytesFromPeers, blob.bytes.length);
  assert.equal(download.complete, true);
  await Promise.all([seeding.stop(), download.stop()]);
});

test('an origin pushes pieces by super-seeding, a smaller blob and an empty one too', async () => {
  const [origin, leech] = [await node('origin'), await node('agent')];
  for (const length of [3_000_000, 1, 0]) {
    const blob = testBlob(length, length + 1);
    const seeding = origin.seed(seedOf(blob), 'super');
    const sink = new MemoryBlob(blob.metainfo);
    const { download, done } = startDownload(leech, sink, [origin]);
    await done;
    assert.equal(sink.digest, blob.digest);
    assert.equal(download.stats.bytesFromOrigins, length);
    await Promise.all([seeding.stop(), download.stop()]);
  }
});

test('who takes a download over is who is read from then on', async () => {
  const [seed, middle, leech] = [await node('agent'), await node('agent'), await node('agent')];
  const blob = testBlob(2_000_000, 5);
  seed.seed(seedOf(blob), 'peer');
  const fetched = new MemoryBlob(blob.metainfo);
  const first = startDownload(middle, fetched, [seed]);
  await first.done;
  let reads = 0;
  const seeding = middle.seed(
    seedOf(blob, () => reads++),
    'peer',
  );
  await first.download.stop();
  const sink = new MemoryBlob(blob.metainfo);
  await startDownload(leech, sink, [middle]).done;
  assert.equal(sink.digest, blob.digest);
  assert.equal(reads, blob.metainfo.pieceHashes.length);
  await seeding.stop();
});

test('a resumed download fetches only what is missing', async () => {
  const [seed, leech] = [await node('agent'), await node('agent')];
  const blob = testBlob(4_000_000, 2);
  const sink = new MemoryBlob(blob.metainfo);
  const resumed = [0, 3, 4, 9];
  for (const piece of resumed) sink.resume(blob, piece);
  seed.seed(seedOf(blob), 'peer');
  const { download, done } = startDownload(leech, sink, [seed]);
  await done;
  assert.equal(sink.digest, blob.digest);
  assert.deepEqual(
    sink.marked.filter((piece) => resumed.includes(piece)),
    [],
  );
  assert.equal(download.stats.bytesFromPeers, blob.bytes.length - resumed.length * blob.metainfo.pieceLength);
});

test('a peer that alters bytes is found out, left, and the blob still completes from the other', async () => {
  const corruptions: unknown[] = [];
  const [liar, honest, leech] = [
    await node('agent'),
    await node('agent'),
    await node('agent', { events: { pieceCorrupt: (...what) => void corruptions.push(what) } }),
  ];
  const blob = testBlob(8_000_000, 3);
  let lied = 0;
  liar.seed(
    seedOf(blob, (bytes) => {
      lied++;
      bytes[0] = (bytes[0] ?? 0) ^ 1;
    }),
    'peer',
  );
  const sink = new MemoryBlob(blob.metainfo);
  const { download, events, done } = startDownload(leech, sink, [liar]);
  const [peerId] = (await once(events, 'corrupt')) as [string];
  assert.equal(peerId, liar.identity.peerId);
  assert.equal(sink.have.count, 0);
  honest.seed(seedOf(blob), 'peer');
  download.addPeer(entryOf(honest));
  const liedBefore = lied;
  download.addPeer(entryOf(liar));
  await done;
  assert.equal(sink.digest, blob.digest);
  assert.ok(download.stats.piecesCorrupt >= 1);
  assert.equal(corruptions.length, download.stats.piecesCorrupt);
  assert.ok(lied - liedBefore <= 4, 'it is not asked again');
});

test('a peer that vanishes mid-way costs nothing but its pieces', async () => {
  const [first, second, leech] = [await node('agent'), await node('agent'), await node('agent')];
  const blob = testBlob(16_000_000, 4);
  for (const seed of [first, second]) seed.seed(seedOf(blob), 'peer');
  const sink = new MemoryBlob(blob.metainfo);
  const { events, done } = startDownload(leech, sink, [first, second]);
  await once(events, 'piece');
  for (const link of first.links()) link.close('pulled the plug');
  await first.close();
  await done;
  assert.equal(sink.digest, blob.digest);
});

test('a seed that stops says gone, and the leecher goes elsewhere', async () => {
  const [first, second, leech] = [await node('agent'), await node('agent'), await node('agent')];
  const blob = testBlob(32_000_000, 5);
  const seeding = first.seed(seedOf(blob), 'peer');
  const sink = new MemoryBlob(blob.metainfo);
  const { download, events, done } = startDownload(leech, sink, [first]);
  await once(events, 'piece');
  await seeding.stop();
  assert.equal(first.stats().uploadsRunning, 0);
  assert.equal(first.stats().swarms, 0);
  const noSources = once(events, 'noSources');
  if (!download.complete) await noSources;
  assert.equal(download.complete, false);
  second.seed(seedOf(blob), 'peer');
  download.addPeer(entryOf(second));
  await done;
  assert.equal(sink.digest, blob.digest);
  assert.equal([...leech.links()].length, 2, 'leaving a swarm closes no link');
});

test('a download that is stopped mid-way writes no more and can be taken up again', async () => {
  const [seed, leech] = [await node('agent'), await node('agent')];
  const blob = testBlob(16_000_000, 6);
  seed.seed(seedOf(blob), 'peer');
  const sink = new MemoryBlob(blob.metainfo);
  const first = startDownload(leech, sink, [seed]);
  await once(first.events, 'piece');
  await first.download.stop();
  const held = sink.have.count;
  assert.ok(held > 0 && !sink.have.complete);
  assert.equal(leech.stats().swarms, 0);
  const second = startDownload(leech, sink, [seed]);
  await once(second.events, 'piece');
  // Not its blocks, which a thread may have written before the stop: what it had not told of comes again.
  assert.ok(sink.have.count > held);
  await second.done;
  assert.equal(sink.digest, blob.digest);
  assert.equal(second.download.stats.bytesFromPeers, blob.bytes.length - held * blob.metainfo.pieceLength);
});

test('without a source the missing pieces can be claimed, delivered and released', async () => {
  const leech = await node('agent');
  const blob = testBlob(600_000, 8);
  const { pieceLength } = blob.metainfo;
  const sink = new MemoryBlob(blob.metainfo);
  const { download, events, done } = startDownload(leech, sink, []);
  await once(events, 'noSources');
  download.setReaders([1]);
  assert.equal(download.claimMissing(), 1);
  const wrong = new Uint8Array(pieceLength);
  assert.ok(download.deliverBytes(1, wrong));
  assert.equal(download.delivered(1), false, 'the bytes are wrong');
  assert.equal(sink.have.count, 0);
  assert.equal(download.claimMissing(), 1, 'the claim was released');
  for (const [from, to] of [
    [0, 1000],
    [1000, pieceLength],
  ] as const) {
    download.deliverBytes(1, blob.bytes.subarray(pieceLength + from, pieceLength + to));
  }
  assert.equal(download.delivered(1), true);
  assert.deepEqual(new Set([download.claimMissing(), download.claimMissing()]), new Set([0, 2]));
  assert.equal(download.claimMissing(), undefined);
  // Another way to deliver: written and marked by the caller.
  for (const piece of [0, 2]) {
    sink.writeSync(blob.bytes.subarray(piece * pieceLength, (piece + 1) * pieceLength), piece * pieceLength);
    sink.markPiece(piece);
    assert.equal(download.delivered(piece), true);
  }
  await done;
  assert.equal(sink.digest, blob.digest);
  assert.equal(download.stats.bytesFromHttp, blob.bytes.length);
});

test('a disk that fails stops the download and tells why', async () => {
  const [seed, leech] = [await node('agent'), await node('agent')];
  const blob = testBlob(2_000_000, 9);
  seed.seed(seedOf(blob), 'peer');
  const sink = new MemoryBlob(blob.metainfo);
  sink.fill();
  const { download, done } = startDownload(leech, sink, [seed]);
  await assert.rejects(done, /the disk is full/);
  assert.equal(download.running, false);
  assert.equal(sink.have.count, 0);
});
