import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parseSwarmId } from '@shoal/core';
import type { Exchange } from './exchange.ts';
import { MemoryBlob, seedOf, type TestBlob, testBlob } from './testing/blobs.ts';
import { entryOf, nodesOfFile, type Running, startDownload } from './testing/nodes.ts';
import { RawPeer } from './testing/raw-peer.ts';

const node = nodesOfFile();
const pieceLength = 262_144;
const unknown = parseSwarmId('00'.repeat(32));

/** No request is given up, nor one more sent because of a peer that never answers. */
const patient = { deadlineFloorMs: 60_000, deadlineInitialMs: 60_000, deadlineMaxMs: 60_000 };

/** How many requests came on each channel before the answer to a JOIN that nobody knows. */
const requestsSoFar = async (raw: RawPeer): Promise<number[]> => {
  raw.link.send({ type: 'join', channel: 99, swarm: unknown, size: 1, pieceLength, have: 'none' });
  const counts = new Map<number, number>();
  for (const message of await raw.before('noSwarm')) {
    if (message.type === 'request') counts.set(message.channel, (counts.get(message.channel) ?? 0) + 1);
  }
  return [...counts.values()];
};

const ends = {
  complete: async (leech: Exchange, { download, done }: Running, blob: TestBlob): Promise<void> => {
    const seed = await node('agent');
    seed.seed(seedOf(blob), 'peer');
    download.addPeer(entryOf(seed));
    await done;
    assert.equal(leech.stats().downloads, 4);
  },
  stopped: (_leech: Exchange, { download }: Running): Promise<void> => download.stop(),
};

for (const [how, end] of Object.entries(ends)) {
  test(`five downloads have less out each, and more again when one is ${how}`, async () => {
    const leech = await node('agent', { leechLimits: patient });
    const raw = await RawPeer.start('agent');
    after(() => raw.close());
    const blobs = Array.from({ length: 5 }, (_, index) => testBlob(8 * pieceLength, 900 + index));
    const running = blobs.map((blob) => startDownload(leech, new MemoryBlob(blob.metainfo), []));
    for (const { download } of running.slice(0, 2)) {
      download.addPeer(raw.entry);
      const join = await raw.next('join');
      raw.link.send({ ...join, have: 'all' });
    }
    assert.deepEqual(await requestsSoFar(raw), [4, 4]);
    const [last, blob] = [running[4], blobs[4]];
    assert.ok(last && blob);
    await end(leech, last, blob);
    assert.deepEqual(await requestsSoFar(raw), [2, 2]);
  });
}
