import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import { type GrowingCut, growingCut } from '@shoal/core';
import type { Download } from './download.ts';
import type { DownloadBlob } from './download-blob.ts';
import type { Exchange } from './exchange.ts';
import type { Seeding } from './seeding.ts';
import { MemoryBlob, seedOf, type TestBlob, testBlob } from './testing/blobs.ts';
import { entryOf, nodesOfFile } from './testing/nodes.ts';

const node = nodesOfFile();

const signal = (): AbortSignal => AbortSignal.timeout(15_000);

const cutOf = ({ metainfo }: TestBlob): GrowingCut => growingCut(metainfo.digest, metainfo.size, metainfo.pieceLength);

/** An origin that receives a blob; `grow` is what it does as pieces come. */
const receive = (
  origin: Exchange,
  blob: TestBlob,
  cut = cutOf(blob),
): { grow(pieces: number[]): void; seed: Seeding } => {
  const seed = origin.seed({ ...seedOf(blob), metainfo: cut }, 'super', { growing: true });
  const grow = (pieces: number[]): void => {
    for (const piece of pieces) cut.pieceHashes[piece] = blob.metainfo.pieceHashes[piece];
    seed.grown(pieces);
  };
  return { grow, seed };
};

const fetching = (
  agent: Exchange,
  blob: TestBlob,
): { download: Download; sink: MemoryBlob; cut: GrowingCut; events: EventEmitter } => {
  const [sink, cut, events] = [new MemoryBlob(blob.metainfo), cutOf(blob), new EventEmitter()];
  const target: DownloadBlob = {
    metainfo: cut,
    growing: cut,
    have: sink.have,
    writeSync: (bytes, position) => sink.writeSync(bytes, position),
    markPiece: (index) => sink.markPiece(index),
    readInto: (buffer, position) => sink.readInto(buffer, position),
  };
  const on: Download['on'] = {
    piece: () => events.emit('piece'),
    hashesKnown: () => events.emit('hashesKnown'),
    purged: () => events.emit('purged'),
  };
  return { download: agent.download(target, { on }), sink, cut, events };
};

const until = async (events: EventEmitter, reached: () => boolean): Promise<void> => {
  while (!reached()) await once(events, 'piece', { signal: signal() });
};

test('pieces flow as the origin gets them, to agents that it does not serve itself as well', async () => {
  const [origin, near, far] = [await node('origin'), await node('agent'), await node('agent')];
  const blob = testBlob(2_000_000, 1);
  const { grow } = receive(origin, blob);
  const [first, second] = [fetching(near, blob), fetching(far, blob)];
  for (const { download } of [first, second]) download.addOrigin(origin.address);
  second.download.addPeer(entryOf(near));
  for (let piece = 0; piece < 7; piece++) {
    grow([piece]);
    await Promise.all([first, second].map(({ events, sink }) => until(events, () => sink.have.has(piece))));
  }
  assert.equal(first.sink.have.count, 7);
  const known = [first, second].map(({ events }) => once(events, 'hashesKnown', { signal: signal() }));
  grow([7]);
  await Promise.all(known);
  await Promise.all([first, second].map(({ events, sink }) => until(events, () => sink.have.complete)));
  assert.equal(first.sink.digest, blob.digest);
  assert.equal(second.sink.digest, blob.digest);
});

test('hashes are believed only of origins that the caller vouches for', async () => {
  const [origin, agent, other] = [await node('origin'), await node('agent'), await node('agent')];
  const blob = testBlob(1_000_000, 2);
  const { grow } = receive(origin, blob);
  const [vouched, named] = [fetching(agent, blob), fetching(other, blob)];
  vouched.download.addOrigin(origin.address);
  named.download.addPeer(entryOf(origin));
  grow([0, 1, 2, 3]);
  await until(vouched.events, () => vouched.sink.have.complete);
  assert.equal(named.sink.have.count, 0);
  assert.ok(named.cut.pieceHashes.every((hash) => hash === undefined));
  named.download.learn(blob.metainfo.pieceHashes);
  await until(named.events, () => named.sink.have.complete);
});

test('a purge and a contradiction are told to the download, nothing of a mere peer is', async () => {
  const [origin, liar, agent] = [await node('origin'), await node('origin'), await node('agent')];
  const blob = testBlob(1_000_000, 3);
  const other = testBlob(1_000_000, 4);
  const { grow, seed } = receive(origin, blob);
  const forged = receive(liar, { ...other, metainfo: { ...other.metainfo, digest: blob.digest } }, cutOf(blob));
  const { download, events, sink } = fetching(agent, blob);
  download.addOrigin(origin.address);
  grow([0]);
  await until(events, () => sink.have.has(0));
  const contradicted = once(events, 'purged', { signal: signal() });
  forged.grow([0]);
  download.addOrigin(liar.address);
  await contradicted;
  const purged = once(events, 'purged', { signal: signal() });
  await seed.purge();
  await purged;
  await forged.seed.stop();
});
