import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { MemoryBlob, seedOf, testBlob } from './testing/blobs.ts';
import { entryOf, startDownload, nodesOfFile } from './testing/nodes.ts';

const node = nodesOfFile();

test('eight agents at once: all digests right, and the origin sends less than two copies', async (t) => {
  let sent = 0;
  const origin = await node('origin', { events: { bytesSent: (_role, bytes) => void (sent += bytes) } });
  const agents = await Promise.all(Array.from({ length: 8 }, () => node('agent')));
  // Of a blob in few pieces the origin may send up to 64 again.
  const blob = testBlob(32 * 1024 * 1024, 20);
  const seeding = origin.seed(seedOf(blob), 'super');
  const sinks = agents.map(() => new MemoryBlob(blob.metainfo));
  const running = agents.map((agent, index) => {
    const others = agents.filter((other) => other !== agent);
    return startDownload(agent, sinks[index] as MemoryBlob, [origin, ...others]);
  });
  await Promise.all(running.map(({ done }) => done));
  for (const sink of sinks) assert.equal(sink.digest, blob.digest);
  const copies = sent / blob.bytes.length;
  t.diagnostic(`origin copies: ${copies.toFixed(2)}`);
  assert.ok(copies >= 1 && copies < 2, `origin copies: ${copies.toFixed(2)}`);
  const fromPeers = running.reduce((sum, { download }) => sum + download.stats.bytesFromPeers, 0);
  assert.ok(fromPeers > 6 * blob.bytes.length);
  await seeding.stop();
});

test('many small blobs move over the same links', async () => {
  const [seed, leech] = [await node('agent'), await node('agent')];
  const blobs = Array.from({ length: 200 }, (_, index) => testBlob(5000 + ((index * 7919) % 195_000), 100 + index));
  for (const blob of blobs) seed.seed(seedOf(blob), 'peer');
  await Promise.all(
    blobs.map(async (blob) => {
      const sink = new MemoryBlob(blob.metainfo);
      const { download, done } = startDownload(leech, sink, [seed]);
      await done;
      assert.equal(sink.digest, blob.digest);
      await download.stop();
    }),
  );
  assert.equal([...leech.links()].length, 1);
  assert.equal(leech.stats().swarms, 0);
});

test('a small blob is not behind the 32 MiB piece that comes from the same peer', async (t) => {
  const [seed, leech] = [await node('agent'), await node('agent')];
  const large = testBlob(64 * 1024 * 1024, 30, { piecesTarget: 2, lengthMin: 262_144, lengthMax: 33_554_432 });
  const small = testBlob(10_000, 31);
  for (const blob of [large, small]) seed.seed(seedOf(blob), 'peer');
  const sink = new MemoryBlob(large.metainfo);
  const started = performance.now();
  const running = startDownload(leech, sink, [seed]);
  while (sink.writtenBytes === 0) await new Promise((resolve) => setImmediate(resolve));
  const smallStarted = performance.now();
  await startDownload(leech, new MemoryBlob(small.metainfo), [seed]).done;
  const smallMs = performance.now() - smallStarted;
  assert.equal(sink.have.count, 0, 'no 32 MiB piece was in front of it');
  await running.done;
  const ratio = smallMs / (performance.now() - started);
  t.diagnostic(`10 KB beside 64 MiB: ${ratio.toFixed(3)} of its time`);
  assert.ok(ratio < 0.5, `10 KB took ${ratio.toFixed(3)} of the time of 64 MiB`);
});

test('another secret makes no link', async () => {
  const opened: string[] = [];
  const [seed, leech] = [
    await node('agent', { secret: 'one' }),
    await node('agent', { secret: 'two', events: { linkOpened: (peer) => void opened.push(peer) } }),
  ];
  await assert.rejects(leech.connect(seed.address), { code: 'DIAL_FAILED' });
  const blob = testBlob(100_000, 40);
  seed.seed(seedOf(blob), 'peer');
  const { events, download } = startDownload(leech, new MemoryBlob(blob.metainfo), [seed]);
  await once(events, 'noSources');
  assert.equal(download.degree, 0);
  assert.deepEqual(opened, []);
  assert.deepEqual([...seed.links()], []);
});

test('the same digest in another geometry is refused', async () => {
  const [seed, leech] = [await node('agent'), await node('agent')];
  const blob = testBlob(600_000, 41);
  seed.seed(seedOf(blob), 'peer');
  const lie = { ...blob.metainfo, size: 600_001 };
  const { events, download } = startDownload(leech, new MemoryBlob(lie), [seed]);
  await once(events, 'noSources');
  assert.equal(download.degree, 0);
  assert.equal(seed.stats().links, 1);
});

test('neighbours are bounded: a swarm that is full says so, and an origin is let in all the same', async () => {
  const limits = { neighboursMax: 2 };
  const seed = await node('agent', { limits });
  const origin = await node('origin');
  const blob = testBlob(300_000, 42);
  const seeding = seed.seed({ ...seedOf(blob), have: new MemoryBlob(blob.metainfo).have }, 'peer');
  const leechers = await Promise.all(Array.from({ length: 4 }, () => node('agent')));
  const running = leechers.map((leech) => startDownload(leech, new MemoryBlob(blob.metainfo), [seed]));
  await Promise.all(running.map(({ events }) => once(events, 'noSources')));
  assert.equal(seeding.degree, 2);
  assert.equal(running.filter(({ download }) => download.degree === 1).length, 2);
  origin.seed(seedOf(blob), 'super');
  for (const { download } of running) download.addPeer(entryOf(origin));
  await Promise.all(running.map(({ done }) => done));
});

test('an origin lets everybody in: whoever it refuses would fetch by HTTP', async () => {
  const origin = await node('origin', { limits: { neighboursMax: 2 } });
  const blob = testBlob(300_000, 44);
  const seeding = origin.seed(seedOf(blob), 'super');
  const leechers = await Promise.all(Array.from({ length: 4 }, () => node('agent')));
  const running = leechers.map((leech) => startDownload(leech, new MemoryBlob(blob.metainfo), [origin]));
  await Promise.all(running.map(({ done }) => done));
  assert.equal(seeding.degree, 4);
});

test('a complete download goes on serving, and a seeding takes it over without leaving', async () => {
  const [origin, first, second] = [await node('origin'), await node('agent'), await node('agent')];
  const blob = testBlob(3_000_000, 43);
  const pushing = origin.seed(seedOf(blob), 'super');
  const sink = new MemoryBlob(blob.metainfo);
  const { download, done } = startDownload(first, sink, [origin]);
  assert.throws(() => first.seed(seedOf(blob), 'peer'), { code: 'SWARM_BUSY' });
  assert.throws(() => first.download(new MemoryBlob(blob.metainfo)), { code: 'SWARM_BUSY' });
  await done;
  await pushing.stop();
  const seeding = first.seed(
    { metainfo: blob.metainfo, readInto: (buffer, position) => sink.readInto(buffer, position) },
    'peer',
  );
  await download.stop();
  assert.equal(first.stats().swarms, 1);
  const copy = new MemoryBlob(blob.metainfo);
  await startDownload(second, copy, [first]).done;
  assert.equal(copy.digest, blob.digest);
  await seeding.stop();
  assert.equal(first.stats().swarms, 0);
});
