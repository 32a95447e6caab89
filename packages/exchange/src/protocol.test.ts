import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { type SwarmId, swarmIdOf } from '@shoal/core';
import type { ControlMessage } from '@shoal/protocol';
import { sha256 } from '@shoal/store';
import type { Exchange } from './exchange.ts';
import { MemoryBlob, seedOf, type TestBlob, testBlob } from './testing/blobs.ts';
import { entryOf, startDownload, startNode } from './testing/nodes.ts';
import { RawPeer } from './testing/raw-peer.ts';

const open: { close(): Promise<void> }[] = [];
const node = async (...args: Parameters<typeof startNode>): Promise<Exchange> => {
  const started = await startNode(...args);
  open.push(started);
  return started;
};
const rawPeer = async (role: 'agent' | 'origin' = 'agent'): Promise<RawPeer> => {
  const started = await RawPeer.start(role);
  open.push(started);
  return started;
};
after(() => Promise.all(open.map((exchange) => exchange.close())));

const idOf = ({ metainfo }: TestBlob): SwarmId => swarmIdOf(metainfo.digest, 'sha256', metainfo.pieceLength, sha256);
const joinOf = (blob: TestBlob, have: 'all' | 'none' | Uint8Array, channel = 7): ControlMessage => ({
  type: 'join',
  channel,
  swarm: idOf(blob),
  size: blob.metainfo.size,
  pieceLength: blob.metainfo.pieceLength,
  have,
});

test('JOIN is answered by JOIN once, or by NO_SWARM with a reason', async () => {
  const [seed, raw] = [await node('agent'), await rawPeer()];
  const [blob, strange] = [testBlob(600_000, 60), testBlob(600_000, 61)];
  seed.seed(seedOf(blob), 'peer');
  const link = await raw.dial(seed);
  link.send(joinOf(blob, 'none'));
  const answer = await raw.next('join');
  assert.equal(answer.have, 'all');
  link.send(joinOf(strange, 'none'));
  assert.match((await raw.next('noSwarm')).reason, /unknown/);
  link.send({ ...joinOf(blob, 'none', 8), size: 1 } as ControlMessage);
  assert.match((await raw.next('noSwarm')).reason, /size 1/);
});

test('a piece that comes between my JOIN and the answer to it is told of once the answer is there', async () => {
  const [leech, raw] = [await node('agent'), await rawPeer()];
  const blob = testBlob(600_000, 59);
  const sink = new MemoryBlob(blob.metainfo);
  const { download } = startDownload(leech, sink, []);
  download.addPeer(raw.entry);
  assert.equal((await raw.next('join')).have, 'none');
  for (const piece of [0, 2]) {
    sink.resume(blob, piece);
    assert.ok(download.delivered(piece));
  }
  raw.link.send(joinOf(blob, 'none'));
  assert.equal((await raw.next('have')).piece, 0);
  assert.equal((await raw.next('have')).piece, 2);
});

test('requests are rejected with a reason: not held, gone', async () => {
  const [seed, raw] = [await node('agent'), await rawPeer()];
  const blob = testBlob(600_000, 62);
  const partial = new MemoryBlob(blob.metainfo);
  partial.resume(blob, 1);
  const seeding = seed.seed({ ...seedOf(blob), have: partial.have }, 'peer');
  const link = await raw.dial(seed);
  link.send(joinOf(blob, 'none'));
  const { have } = await raw.next('join');
  assert.ok(typeof have === 'object');
  assert.deepEqual([...have], [0b0100_0000]);
  link.send({ type: 'request', channel: 7, piece: 0 });
  assert.equal((await raw.next('reject')).reason, 'notHeld');
  // No data connection is dialled, so this one waits until the swarm is left.
  link.send({ type: 'request', channel: 7, piece: 1 });
  link.send({ type: 'wantAny', channel: 7, haveDelta: [] });
  await raw.next('refuse');
  await seeding.stop();
  await raw.next('leave');
});

test('a piece beyond the end closes the link with a reason', async () => {
  const [seed, raw] = [await node('agent'), await rawPeer()];
  const blob = testBlob(600_000, 63);
  seed.seed(seedOf(blob), 'peer');
  const link = await raw.dial(seed);
  link.send(joinOf(blob, 'none'));
  await raw.next('join');
  link.send({ type: 'request', channel: 7, piece: 3 });
  assert.match(await raw.closed(), /piece 3/);
});

test('channels that nobody is bound to are ignored: the swarm was left while the message was on its way', async () => {
  const [seed, raw] = [await node('agent'), await rawPeer()];
  const blob = testBlob(600_000, 64);
  seed.seed(seedOf(blob), 'peer');
  const link = await raw.dial(seed);
  for (const type of ['leave', 'refuse'] as const) link.send({ type, channel: 99 });
  link.send({ type: 'have', channel: 99, piece: 1, queueLength: 0 });
  link.send({ type: 'request', channel: 99, piece: 1 });
  link.send(joinOf(blob, 'none', 1));
  await raw.next('join');
  link.send({ type: 'leave', channel: 1 });
  link.send(joinOf(blob, 'none', 2));
  assert.equal((await raw.next('join')).channel, 2, 'a new join gets a new channel');
});

test('data that nobody asked for is discarded and counted, and a flood of it closes the link', async () => {
  let discarded = 0;
  const leech = await node('agent', {
    limits: { unsolicitedBytesMax: 1_000_000 },
    events: { bytesDiscarded: (bytes) => void (discarded += bytes) },
  });
  const raw = await rawPeer();
  const blob = testBlob(1_000_000, 65);
  const sink = new MemoryBlob(blob.metainfo);
  const { download } = startDownload(leech, sink, []);
  download.addPeer(raw.entry);
  await raw.next('join');
  raw.link.send(joinOf(blob, 'all'));
  const { piece } = await raw.next('request');
  raw.link.send({ type: 'leave', channel: 7 });
  while (raw.open) {
    raw.push({ channel: 7, piece, bytes: blob.bytes.subarray(0, 200_000) });
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(await raw.closed(), /flood/);
  assert.ok(discarded > 1_000_000);
  assert.equal(sink.writtenBytes, 0);
});

test('DATA that overtakes its OFFER counts as the offer', async () => {
  const leech = await node('agent');
  const raw = await rawPeer('origin');
  const blob = testBlob(300_000, 66);
  const sink = new MemoryBlob(blob.metainfo);
  const { download, events, done } = startDownload(leech, sink, []);
  download.addPeer(raw.entry);
  await raw.next('join');
  raw.link.send(joinOf(blob, 'all'));
  await raw.next('wantAny');
  const first = once(events, 'piece');
  await raw.uplink();
  raw.push({ channel: 7, piece: 1, bytes: blob.bytes.subarray(blob.metainfo.pieceLength) });
  await first;
  raw.link.send({ type: 'offer', channel: 7, piece: 1 });
  raw.link.send({ type: 'offer', channel: 7, piece: 0 });
  raw.push({ channel: 7, piece: 0, bytes: blob.bytes.subarray(0, blob.metainfo.pieceLength) });
  await done;
  assert.equal(sink.digest, blob.digest);
});

test('the endgame copy of a piece lands in memory, wins, and the late bytes of the first change nothing', async () => {
  let discarded = 0;
  const leech = await node('agent', {
    events: { bytesDiscarded: (bytes) => void (discarded += bytes) },
    // No deadline takes the piece from the slow one: only the endgame asks for it a second time.
    leechLimits: { deadlineFloorMs: 60_000, deadlineInitialMs: 60_000, deadlineMaxMs: 60_000 },
  });
  // Slow enough for the other one to be asked for something.
  const seed = await node('agent', { transportLimits: { uploadBytesPerSecondMax: 5_000_000 } });
  const slow = await rawPeer();
  const blob = testBlob(10_000_000, 67);
  const { pieceLength } = blob.metainfo;
  seed.seed(seedOf(blob), 'peer');
  const sink = new MemoryBlob(blob.metainfo);
  const { download, events, done } = startDownload(leech, sink, [seed]);
  const verified: number[] = [];
  events.on('piece', (index: number) => verified.push(index));
  download.addPeer(slow.entry);
  await slow.next('join');
  slow.link.send(joinOf(blob, 'all'));
  const { piece } = await slow.next('request');
  await slow.uplink();
  slow.push({ channel: 7, piece, bytes: blob.bytes.subarray(piece * pieceLength, piece * pieceLength + 100_000) });
  // The first bytes have the file, the endgame's copy has a buffer until it verifies: then it is written in one go.
  let largest = 0;
  const { writeSync } = sink;
  sink.writeSync = (bytes, position) => {
    if (position === piece * pieceLength) largest = Math.max(largest, bytes.length);
    writeSync.call(sink, bytes, position);
  };
  await done;
  assert.equal(sink.digest, blob.digest);
  assert.equal(largest, Math.min(pieceLength, blob.bytes.length - piece * pieceLength));
  assert.equal(verified.filter((index) => index === piece).length, 1);
  const written = sink.writtenBytes;
  slow.push({ channel: 7, piece, bytes: new Uint8Array(100_000), at: 100_000 });
  while (discarded < 100_000) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(sink.writtenBytes, written);
  assert.equal(sink.digest, blob.digest);
});

test('credits of a peer that never dials its data connection expire, and cost it nothing once it does', async () => {
  const origin = await node('origin', { limits: { dataTimeoutMs: 10 } });
  const raw = await rawPeer();
  const blob = testBlob(600_000, 68);
  origin.seed(seedOf(blob), 'super');
  const link = await raw.dial(origin);
  link.send(joinOf(blob, 'none'));
  await raw.next('join');
  for (let credit = 0; credit < 20; credit++) {
    link.send({ type: 'wantAny', channel: 7, haveDelta: [] });
    await raw.next('refuse');
  }
  link.openData();
  while (!link.dataReady) await new Promise((resolve) => setImmediate(resolve));
  link.send({ type: 'wantAny', channel: 7, haveDelta: [] });
  assert.ok((await raw.next('offer')).piece < 3);
});

test('the swarms of one link are bounded', async () => {
  const seed = await node('agent', { limits: { swarmsPerLinkMax: 2 } });
  const raw = await rawPeer();
  const blobs = [70, 71, 72].map((number) => testBlob(1000, number));
  for (const blob of blobs) seed.seed(seedOf(blob), 'peer');
  const link = await raw.dial(seed);
  for (const [index, blob] of blobs.entries()) link.send(joinOf(blob, 'none', index + 1));
  assert.match((await raw.next('noSwarm')).reason, /too many swarms/);
  link.send({ type: 'leave', channel: 1 });
  link.send(joinOf(blobs[2] as TestBlob, 'none', 4));
  await raw.next('join');
});

test(
  'a JOIN that nobody answers is given up, and the slot and the download go to others',
  { timeout: 10_000 },
  async () => {
    const limits = { joinTimeoutMs: 20, sourcelessMs: 10, redialMinMs: 10, neighboursOpen: 1 };
    const [leech, seed] = [await node('agent', { limits }), await node('agent')];
    const silent = await rawPeer();
    const blob = testBlob(600_000, 73);
    const { download, events, done } = startDownload(leech, new MemoryBlob(blob.metainfo), []);
    download.addPeer(silent.entry);
    const { channel } = await silent.next('join');
    const sourceless = once(events, 'noSources');
    assert.equal((await silent.next('leave')).channel, channel);
    await sourceless;
    assert.ok((await silent.next('join')).channel > channel, 'it is tried again later');
    seed.seed(seedOf(blob), 'peer');
    download.addPeer(entryOf(seed));
    await done;
  },
);
