import assert from 'node:assert/strict';
import { createHash, randomFillSync } from 'node:crypto';
import { suite, test } from 'node:test';
import { KiB, MiB, parsePeerId } from '@shoal/core';
import { chunkBytesMax, protocolVersion } from '@shoal/protocol';
import { dataPair, linkedPair, type LinkedPair, startNode } from './testing/node.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { breakOff, spiedSockets } from './testing/sockets.ts';
import { wire } from './testing/wire.ts';
import type { PieceReader, TransferHandle } from './uplink.ts';

const memory = (blob: Uint8Array): PieceReader => ({
  readInto(buffer, position) {
    buffer.set(blob.subarray(position, position + buffer.length));
    return Math.min(buffer.length, blob.length - position);
  },
});

const zeros: PieceReader = { readInto: (buffer) => buffer.length };

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const send = (
  { upLink }: LinkedPair,
  piece: number,
  length: number,
): { handle: TransferHandle; ended: Promise<boolean> } => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const handle = upLink.uplink!.start({ channel: 1, piece, offset: 0, length, reader: zeros, onEnd: resolve });
  return { handle, ended: promise };
};

/** The time of 10 KiB that start while two 32 MiB pieces run, to the time of such a piece. */
const overtakingRatio = async (): Promise<number> => {
  await using pair = await dataPair();
  const { seen } = pair.down;
  const left = new Map<number, number>();
  const endsMs = new Map<number, number>();
  seen.onFrame = ({ header: { piece, length } }) => {
    left.set(piece, left.get(piece)! - length);
    if (left.get(piece) === 0) endsMs.set(piece, performance.now());
  };
  const startMs = (piece: number, length: number): number => {
    left.set(piece, length);
    send(pair, piece, length);
    return performance.now();
  };
  const largeStartMs = startMs(1, 32 * MiB);
  startMs(2, 32 * MiB);
  await seen.until('the large pieces flow', () => seen.payloadBytes > 4 * MiB);
  const smallStartMs = startMs(3, 10 * KiB);
  await seen.until('all pieces', () => endsMs.size === 3);
  return (endsMs.get(3)! - smallStartMs) / (endsMs.get(1)! - largeStartMs);
};

suite('data connections', () => {
  test('several blobs over one connection arrive whole', async () => {
    await using pair = await dataPair();
    const { down, upLink } = pair;
    down.seen.keep = true;
    const blobs = [12 * MiB + 17, 3 * MiB, 256 * KiB, 1, 700 * KiB + 1].map((size) =>
      randomFillSync(new Uint8Array(size)),
    );
    const pieceLength = 2 * MiB;
    const ends: Promise<boolean>[] = [];
    for (const [channel, blob] of blobs.entries()) {
      for (let offset = 0; offset < blob.length; offset += pieceLength) {
        const length = Math.min(pieceLength, blob.length - offset);
        const piece = offset / pieceLength;
        const { promise, resolve: onEnd } = Promise.withResolvers<boolean>();
        upLink.uplink!.start({ channel, piece, offset, length, reader: memory(blob), onEnd });
        ends.push(promise);
      }
    }
    const total = blobs.reduce((sum, { length }) => sum + length, 0);
    await down.seen.until('all bytes', () => down.seen.payloadBytes === total);
    for (const [channel, blob] of blobs.entries()) {
      const copy = new Uint8Array(blob.length);
      for (const [key, parts] of down.seen.payloads) {
        if (key.startsWith(`${channel}/`)) for (const { at, bytes } of parts) copy.set(bytes, at);
      }
      assert.equal(sha256(copy), sha256(blob), `blob ${channel}`);
    }
    assert.ok((await Promise.all(ends)).every((ok) => ok));
    assert.equal(upLink.uplink!.running, 0);
  });

  test('a small blob is not held up by large pieces on the same connection', async () => {
    // The best of a few: what else runs on the machine may hit the short one.
    const ratios = [await overtakingRatio(), await overtakingRatio(), await overtakingRatio()];
    assert.ok(Math.min(...ratios) < 0.25, `10 KiB took ${ratios.join(', ')} of the time of 32 MiB`);
  });

  test('large pieces share a connection evenly', async () => {
    await using pair = await dataPair();
    const { seen } = pair.down;
    const ends = [1, 2, 3].map((piece) => send(pair, piece, 8 * MiB).ended);
    await Promise.all(ends);
    await seen.until('all bytes', () => seen.payloadBytes === 24 * MiB);
    const order = seen.frames.map(({ header }) => header.piece).join('');
    assert.equal(order, '123'.repeat((8 * MiB) / chunkBytesMax));
  });

  test('a cancelled piece stops early, its receiver is told, and others go on', async () => {
    await using pair = await dataPair();
    const { seen } = pair.down;
    const cancelled = send(pair, 1, 512 * MiB);
    const kept = send(pair, 2, 4 * MiB);
    await seen.until('it flows', () => seen.payloadBytes > MiB);
    pair.upLink.uplink!.cancel(cancelled.handle);
    assert.equal(await cancelled.ended, false);
    assert.equal(await kept.ended, true);
    await seen.until('the end of it', () =>
      seen.frames.some(({ header, ended }) => header.piece === 1 && header.length === 0 && ended),
    );
    assert.ok(seen.payloadBytes < 256 * MiB);
    assert.equal(seen.frames.findLast(({ header }) => header.piece === 1)!.header.length, 0);
    assert.ok(pair.downLink.open && pair.downLink.dataReady);
  });

  test('both directions at once, each on the connection its downloader dialled', async () => {
    await using pair = await dataPair();
    pair.upLink.openData();
    pair.upLink.openData();
    await pair.up.seen.until(
      'the other data connection',
      () => pair.upLink.dataReady && pair.downLink.uplink !== undefined,
    );
    pair.downLink.uplink!.start({ channel: 9, piece: 0, offset: 5, length: 3 * MiB, reader: zeros, onEnd() {} });
    send(pair, 1, 3 * MiB);
    await pair.up.seen.until('all bytes', () => pair.up.seen.payloadBytes === 3 * MiB);
    await pair.down.seen.until('all bytes', () => pair.down.seen.payloadBytes === 3 * MiB);
    assert.equal(pair.up.seen.dataOpenings, 1);
    assert.equal(pair.up.seen.frames[0]!.header.offset, 5);
  });

  test('a data connection that comes before READY waits for it', async () => {
    await using up = await startNode();
    const control = await RawPeer.dial(up.address);
    const fields = { peerId: parsePeerId('77'.repeat(20)) };
    control.hello(fields, { nonce: (await control.next('challenge'))!.nonce });
    assert.ok(await control.next('hello'));
    const data = await RawPeer.dial(up.address);
    data.hello({ ...fields, connection: 'data' }, { nonce: (await data.next('challenge'))!.nonce });
    assert.equal(up.seen.opened.length, 0);
    control.send({ type: 'ready' });
    assert.ok(await data.next('hello'));
    assert.ok(up.seen.opened[0]!.uplink);
    for (const { socket } of [control, data]) socket.destroy();
  });

  test('a peer of version 1 gets frames of 256 KiB, the longest it takes', async () => {
    for (const [version, chunkBytes] of [
      [1, 256 * KiB],
      [protocolVersion, chunkBytesMax],
    ] as const) {
      await using node = await startNode();
      const fields = { version, peerId: parsePeerId('78'.repeat(20)) };
      const control = await RawPeer.link(node.address, fields);
      await node.seen.until('a link', () => node.seen.opened.length === 1);
      const data = await RawPeer.link(node.address, { ...fields, connection: 'data' });
      const link = node.seen.opened[0]!;
      await node.seen.until('an uplink', () => link.uplink !== undefined);
      const ended = Promise.withResolvers<boolean>();
      link.uplink!.start({ channel: 1, piece: 0, offset: 0, length: MiB, reader: zeros, onEnd: ended.resolve });
      assert.equal(await ended.promise, true);
      await link.finishUplink();
      await data.ended;
      assert.deepEqual([...new Set(data.data.map(({ length }) => length))], [chunkBytes]);
      assert.equal(data.data.length, MiB / chunkBytes);
      control.socket.destroy();
    }
  });

  test('a data connection without a control connection is refused', async () => {
    await using up = await startNode({ limits: { handshakeTimeoutMs: wire().shortMs(40) } });
    const data = await RawPeer.dial(up.address);
    data.hello({ connection: 'data' }, { nonce: (await data.next('challenge'))!.nonce });
    assert.equal((await data.next('error'))?.code, 'unlinked');
  });

  test('a peer whose data address nobody answers is told by dataClosed, and may be tried again', async () => {
    await using up = await startNode();
    const peer = await RawPeer.link(up.address, { address: '127.0.0.1:1' });
    await up.seen.until('a link', () => up.seen.opened.length === 1);
    const link = up.seen.opened[0]!;
    for (const attempt of [1, 2]) {
      link.openData();
      await up.seen.until('the failure', () => up.seen.dataClosures.length === attempt);
      assert.match(up.seen.dataClosures.at(-1)!, /ECONNREFUSED/);
    }
    assert.ok(link.open && !link.dataReady);
    peer.socket.destroy();
  });
});

suite('peers that vanish in the middle of a transfer', () => {
  test('the data connection breaks: dataClosed, onEnd(false), and the link stays', async () => {
    const sockets = spiedSockets();
    await using pair = await dataPair({ up: { sockets } });
    const { ended } = send(pair, 1, 512 * MiB);
    await pair.down.seen.until('it flows', () => pair.down.seen.payloadBytes > MiB);
    breakOff(sockets.accepted[1]!);
    await pair.down.seen.until('dataClosed', () => pair.down.seen.dataClosures.length === 1);
    assert.equal(await ended, false);
    assert.equal(pair.upLink.uplink, undefined);
    assert.ok(pair.downLink.open && !pair.downLink.dataReady);
    pair.downLink.openData();
    await pair.down.seen.until('a new data connection', () => pair.downLink.dataReady);
    assert.equal(await send(pair, 2, MiB).ended, true);
  });

  test('the downloader vanishes: onEnd(false) and linkClosed', async () => {
    const sockets = spiedSockets();
    await using pair = await dataPair({ down: { sockets } });
    const { ended } = send(pair, 1, 512 * MiB);
    await pair.down.seen.until('it flows', () => pair.down.seen.payloadBytes > MiB);
    for (const socket of sockets.dialled) breakOff(socket);
    assert.equal(await ended, false);
    await pair.up.seen.until('linkClosed', () => pair.up.seen.closed.length === 1);
    assert.match(pair.up.seen.closed[0]!.reason, /ECONNRESET|closed/);
  });

  test('the control connection breaks: everything of the link does', async () => {
    const sockets = spiedSockets();
    await using pair = await dataPair({ up: { sockets } });
    const { ended } = send(pair, 1, 512 * MiB);
    await pair.down.seen.until('it flows', () => pair.down.seen.payloadBytes > MiB);
    sockets.accepted[0]!.destroy();
    await pair.down.seen.until('linkClosed', () => pair.down.seen.closed.length === 1);
    assert.equal(await ended, false);
    assert.equal(pair.down.seen.dataClosures.length, 1);
    assert.equal([...pair.down.endpoint.links(), ...pair.up.endpoint.links()].length, 0);
  });

  test('Link.close tells the reason to the other side and calls back before it returns', async () => {
    await using pair = await dataPair();
    pair.upLink.close('enough of it');
    assert.equal(pair.up.seen.closed.length, 1);
    assert.equal(pair.upLink.open, false);
    await pair.down.seen.until('linkClosed', () => pair.down.seen.closed.length === 1);
    assert.match(pair.down.seen.closed[0]!.reason, /the peer says: enough of it/);
    pair.upLink.close('again');
    pair.upLink.send({ type: 'leave', channel: 1 });
    pair.upLink.openData();
    assert.equal(pair.up.seen.closed.length, 1);
  });

  test('what was sent before close arrives before the reason', async () => {
    await using pair = await linkedPair();
    pair.upLink.send({ type: 'leave', channel: 7 });
    pair.upLink.close('done');
    await pair.down.seen.until('linkClosed', () => pair.down.seen.closed.length === 1);
    assert.deepEqual(pair.down.seen.messages, [{ type: 'leave', channel: 7 }]);
  });
});
