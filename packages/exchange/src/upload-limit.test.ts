import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { MiB } from '@shoal/core';
import type { Exchange } from './exchange.ts';
import { MemoryBlob, seedOf, testBlob } from './testing/blobs.ts';
import { startDownload, startNode } from './testing/nodes.ts';

const open: Exchange[] = [];
after(() => Promise.all(open.map((exchange) => exchange.close())));

/** What the queue always lets run, at most (packages/swarm, upload-queue.ts). */
const activeMin = 12;

test('an uplink of few chunks a second is shared by no more uploads than a fast one', { timeout: 30_000 }, async () => {
  let active = 0;
  let sent = 0;
  const piecesOut = Promise.withResolvers<void>();
  const origin = await startNode('origin', {
    transportLimits: { uploadBytesPerSecondMax: MiB },
    events: {
      bytesSent: () => {
        active = Math.max(active, origin.stats().uploadsRunning);
        if (++sent === 12) piecesOut.resolve();
      },
    },
  });
  const blob = testBlob(16 * MiB, 30);
  const seeding = origin.seed(seedOf(blob), 'super');
  const agents = await Promise.all(Array.from({ length: 24 }, () => startNode('agent')));
  open.push(origin, ...agents);
  for (const agent of agents) startDownload(agent, new MemoryBlob(blob.metainfo), [origin]);
  await piecesOut.promise;
  assert.ok(active <= activeMin, `${active} uploads at once`);
  await seeding.stop();
});
