import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { parseSwarmId } from '@shoal/core';
import { MemoryBlob, seedOf, testBlob } from './testing/blobs.ts';
import { entryOf, nodesOfFile, startDownload } from './testing/nodes.ts';
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

test('many downloads have less out each, and more again when others are complete or stopped', async () => {
  const [leech, seed] = [await node('agent', { leechLimits: patient }), await node('agent')];
  const raw = await RawPeer.start('agent');
  after(() => raw.close());
  const blobs = Array.from({ length: 7 }, (_, index) => testBlob(8 * pieceLength, 900 + index));
  const running = blobs.map((blob) => startDownload(leech, new MemoryBlob(blob.metainfo), []));
  for (const { download } of running.slice(0, 2)) {
    download.addPeer(raw.entry);
    const join = await raw.next('join');
    raw.link.send({ ...join, have: 'all' });
  }
  assert.deepEqual(await requestsSoFar(raw), [4, 4]);

  const [blob, done] = [blobs[2], running[2]];
  assert.ok(blob && done);
  seed.seed(seedOf(blob), 'peer');
  done.download.addPeer(entryOf(seed));
  await done.done;
  await running[3]?.download.stop();
  assert.deepEqual(await requestsSoFar(raw), []);
  await running[4]?.download.stop();
  assert.deepEqual(await requestsSoFar(raw), [2, 2]);
});
