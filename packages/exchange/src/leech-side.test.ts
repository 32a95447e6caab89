import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield, KiB, seededPrng } from '@shoal/core';
import { ByteBudget } from './byte-budget.ts';
import type { LeechHooks } from './leech-hooks.ts';
import { LeechSide } from './leech-side.ts';
import type { Neighbour } from './neighbour.ts';
import type { Reception } from './reception.ts';
import type { Swarm } from './swarm.ts';
import { MemoryBlob, testBlob } from './testing/blobs.ts';
import type { Uploads } from './uploads.ts';

const blob = testBlob(64 * 256 * KiB, 80);
const { metainfo } = blob;
const [piece, length] = [0, metainfo.pieceLength];

interface FakeLink {
  dataPaused: boolean;
  readonly cancelled: number[];
}

/**
 * A transfer of which the first bytes have come, from one of two neighbours that hold everything. Answers the pieces that
 * are cancelled there within ten seconds; `meanwhile` is called every 50 ms.
 */
const cancelledWhile = (
  clock: { tick(ms: number): void },
  meanwhile: (reception: Reception, link: FakeLink) => void,
): readonly number[] => {
  let nowMs = 0;
  const neighbours = new Map<number, Neighbour>();
  const swarm = { metainfo, pieceCount: metainfo.pieceHashes.length, neighbours, stopped: false };
  const side = new LeechSide(swarm as unknown as Swarm, {
    sink: new MemoryBlob(metainfo),
    routes: false,
    budget: new ByteBudget(0),
    uploads: { queueLength: 0 } as Uploads,
    hooks: { joined() {}, starved() {} } as unknown as LeechHooks,
    limits: {},
    prng: seededPrng(1),
    clock: () => nowMs,
  });
  const links = [1, 2].map((id) => {
    const cancelled: number[] = [];
    const link = {
      dataPaused: false,
      cancelled,
      openData() {},
      send: (message: { type: string; piece: number }) =>
        void (message.type === 'cancel' && cancelled.push(message.piece)),
    };
    neighbours.set(id, { peer: { id, role: 'agent', link }, swarm, channel: 1 } as unknown as Neighbour);
    return link;
  });
  side.handle({ type: 'readers', cursors: [piece] });
  for (const neighbour of neighbours.values()) side.joined(neighbour, Bitfield.full(metainfo.pieceHashes.length));
  const first = neighbours.get(1)!;
  const reception = side.dataBegin(first, { channel: 1, piece, offset: 0, length })!;
  reception.update(blob.bytes.subarray(0, 1000));
  for (; nowMs < 10_000; nowMs += 50) {
    meanwhile(reception, links[0]!);
    clock.tick(50);
  }
  side.stop();
  return links[0]!.cancelled;
};

test('a transfer that stands still is given up', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  assert.ok(cancelledWhile(t.mock.timers, () => undefined).includes(piece));
});

test('a transfer that moves within its frame is not given up', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const move = (reception: Reception): void => {
    reception.update(blob.bytes.subarray(reception.received, reception.received + 1000));
  };
  assert.ok(!cancelledWhile(t.mock.timers, move).includes(piece));
});

test("a transfer that waits for this node's own download limit is not given up", (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const pause = (_: Reception, link: FakeLink): void => {
    link.dataPaused = true;
  };
  assert.ok(!cancelledWhile(t.mock.timers, pause).includes(piece));
});
