import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { MemoryBlob, seedOf, testBlob } from './testing/blobs.ts';
import { startDownload, startNode } from './testing/nodes.ts';

const handles = (): string[] =>
  process
    .getActiveResourcesInfo()
    .filter((kind) => /TCP|Timeout|Immediate/.test(kind))
    .toSorted();

test('closing both sides in the middle of a download leaves no socket and no timer', async () => {
  // What the import of the nodes has closed is gone a turn later.
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
  const before = handles();
  const [seed, leech] = [await startNode('agent'), await startNode('agent')];
  const blob = testBlob(64 * 1024 * 1024, 80);
  seed.seed(seedOf(blob), 'peer');
  const sink = new MemoryBlob(blob.metainfo);
  const { events } = startDownload(leech, sink, [seed]);
  await once(events, 'piece');
  await Promise.all([leech.close(), seed.close()]);
  const held = sink.have.count;
  assert.ok(held > 0 && !sink.have.complete);
  // The deadline of the test's own download is not the exchange's; its timer is unref'd and not listed.
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(
    handles().filter((kind) => kind !== 'Immediate'),
    before.filter((kind) => kind !== 'Immediate'),
  );
  assert.equal(sink.have.count, held);
});

test('a graceful close sends running uploads to their end, and refuses what comes after', async () => {
  let sent = 0;
  const seed = await startNode('agent', { events: { bytesSent: (_role, bytes) => void (sent += bytes) } });
  const leech = await startNode('agent');
  const blob = testBlob(32 * 1024 * 1024, 81, { piecesTarget: 4, lengthMin: 262_144, lengthMax: 33_554_432 });
  seed.seed(seedOf(blob), 'peer');
  const { events } = startDownload(leech, new MemoryBlob(blob.metainfo), [seed]);
  await once(events, 'piece');
  await seed.close();
  assert.equal(sent % blob.metainfo.pieceLength, 0, 'whole pieces only');
  assert.equal(seed.stats().uploadsRunning, 0);
  assert.throws(() => seed.seed(seedOf(blob), 'peer'), { code: 'CLOSING' });
  assert.equal(seed.close(), seed.close());
  await leech.close();
});

test('what a closing node has sent arrives: no LEAVE overtakes it', async () => {
  let sent = 0;
  const seed = await startNode('agent', { events: { bytesSent: (_role, bytes) => void (sent += bytes) } });
  // It reads so slowly that most of what was sent still waits in its kernel when the seed closes.
  const leech = await startNode('agent', { transportLimits: { downloadBytesPerSecondMax: 32 * 1024 * 1024 } });
  const blob = testBlob(64 * 1024 * 1024, 82, { piecesTarget: 16, lengthMin: 262_144, lengthMax: 33_554_432 });
  seed.seed(seedOf(blob), 'peer');
  const sink = new MemoryBlob(blob.metainfo);
  const { events } = startDownload(leech, sink, [seed]);
  await once(events, 'piece');
  await seed.close();
  assert.equal(sink.have.count * blob.metainfo.pieceLength, sent);
  await leech.close();
});
