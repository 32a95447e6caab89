import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { parsePeerId } from '@shoal/core';
import { MemoryBlob, seedOf, testBlob } from './testing/blobs.ts';
import { startDownload, startNode } from './testing/nodes.ts';

/** A port where nobody listens, until `forward` lets what comes there through to another one. */
const closedPort = async (): Promise<{ port: number; forward(to: number): Promise<net.Server> }> => {
  const server = net.createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  const forward = async (to: number): Promise<net.Server> => {
    const relay = net.createServer((near) => {
      const far = net.connect(to, '127.0.0.1');
      near.on('error', () => far.destroy()).on('close', () => far.destroy());
      far.on('error', () => near.destroy()).on('close', () => near.destroy());
      near.pipe(far).pipe(near);
    });
    await once(relay.listen(port, '127.0.0.1'), 'listening');
    return relay;
  };
  return { port, forward };
};

test(
  'a peer that cannot be dialled back is served, asked for nothing, and asked when it can',
  { timeout: 20_000 },
  async (t) => {
    const closed: string[] = [];
    const { port, forward } = await closedPort();
    const blob = testBlob(4_000_000, 90);
    const more = testBlob(600_000, 91);
    const [open, hidden] = [
      await startNode('agent', {
        limits: { sourcelessMs: 20, redialMinMs: 20, redialMaxMs: 100 },
        events: { linkClosed: (_peer, reason) => void closed.push(reason) },
      }),
      await startNode('agent', {
        identity: { ...behindNat, address: `127.0.0.1:${port}` },
      }),
    ];
    t.after(() => Promise.all([open.close(), hidden.close()]));
    const [ofOpen, ofHidden] = [new MemoryBlob(blob.metainfo), new MemoryBlob(blob.metainfo)];
    const pieces = blob.metainfo.pieceHashes.length;
    for (let piece = 0; piece < pieces; piece++) (piece % 2 ? ofOpen : ofHidden).resume(blob, piece);
    open.seed(seedOf(more), 'peer');
    const openRun = startDownload(open, ofOpen, []);
    const sourceless = once(openRun.events, 'noSources');
    const hiddenRun = startDownload(hidden, ofHidden, [open]);
    await sourceless;
    await hiddenRun.done;
    assert.equal(ofHidden.digest, blob.digest);
    assert.equal(openRun.download.degree, 1);
    assert.equal(ofOpen.have.count, Math.floor(pieces / 2));
    // What comes to the open one by other ways is still announced and served, and so is another swarm of the link.
    const moreSink = new MemoryBlob(more.metainfo);
    await startDownload(hidden, moreSink, [open]).done;
    assert.equal(moreSink.digest, more.digest);
    assert.deepEqual(closed, []);
    const relay = await forward(hidden.address.port);
    t.after(() => relay.close());
    await openRun.done;
    assert.equal(ofOpen.digest, blob.digest);
    assert.deepEqual(closed, []);
  },
);

test('pieces that the peer of an unreachable one gets later are announced to it', { timeout: 20_000 }, async (t) => {
  const { port } = await closedPort();
  const blob = testBlob(1_000_000, 92);
  const open = await startNode('agent', { limits: { sourcelessMs: 20 } });
  const hidden = await startNode('agent', { identity: { ...behindNat, address: `127.0.0.1:${port}` } });
  t.after(() => Promise.all([open.close(), hidden.close()]));
  const [ofOpen, ofHidden] = [new MemoryBlob(blob.metainfo), new MemoryBlob(blob.metainfo)];
  ofHidden.resume(blob, 0);
  const openRun = startDownload(open, ofOpen, []);
  const hiddenRun = startDownload(hidden, ofHidden, [open]);
  await once(openRun.events, 'noSources');
  // The piece that the hidden one has is asked of it until the dial has failed.
  while (!openRun.download.complete) {
    const piece = openRun.download.claimMissing();
    if (piece === undefined) await turn();
    else {
      ofOpen.resume(blob, piece);
      assert.ok(openRun.download.delivered(piece));
    }
  }
  await Promise.all([openRun.done, hiddenRun.done]);
  assert.equal(ofHidden.digest, blob.digest);
});

const behindNat = {
  peerId: parsePeerId('e'.repeat(40)),
  incarnation: 1,
  role: 'agent',
  zone: '',
  clusterId: 'test',
} as const;
