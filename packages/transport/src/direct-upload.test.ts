/** Uploads from files by sendfile(2), over real sockets. */
import assert from 'node:assert/strict';
import { createHash, randomFillSync } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { suite, test } from 'node:test';
import { KiB, MiB } from '@shoal/core';
import { chunkBytesMax } from '@shoal/protocol';
import { detectSendfile } from './sendfile/detect.ts';
import type { Sendfile } from './sendfile/sendfile.ts';
import { dataPair, type LinkedPair } from './testing/node.ts';
import type { PieceReader } from './uplink.ts';

const sendfile = await detectSendfile('auto');

interface Blob extends PieceReader, Disposable {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A blob in a file, which goes with it. */
const blobFile = (size: number): Blob => {
  const folder = mkdtempSync(path.join(tmpdir(), 'shoal-upload-'));
  const file = path.join(folder, 'blob');
  const bytes = randomFillSync(new Uint8Array(size));
  writeFileSync(file, bytes);
  const fd = openSync(file, 'r');
  return {
    path: file,
    bytes,
    fd,
    readInto: (buffer, position) => readSync(fd, buffer, 0, buffer.length, position),
    [Symbol.dispose]() {
      closeSync(fd);
      rmSync(folder, { recursive: true });
    },
  };
};

/** Counts what goes by it. */
const counted = (): { sendfile: Sendfile; readonly bytes: number } => {
  const count = {
    bytes: 0,
    sendfile: (...args: Parameters<Sendfile>): number => {
      const sent = sendfile!(...args);
      count.bytes += sent;
      return sent;
    },
  };
  return count;
};

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

const send = ({ upLink }: LinkedPair, channel: number, reader: PieceReader, length: number): Promise<boolean> => {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  upLink.uplink!.start({ channel, piece: 0, offset: 0, length, reader, onEnd: resolve });
  return promise;
};

const arrived = ({ down: { seen } }: LinkedPair, channel: number, size: number): string => {
  const whole = new Uint8Array(size);
  for (const { at, bytes } of seen.payloads.get(`${channel}/0`) ?? []) whole.set(bytes, at);
  return sha256(whole);
};

suite('uploads by sendfile(2)', { skip: sendfile ? false : 'it does not work on this machine' }, () => {
  test('blobs in files and in memory arrive whole over one connection, most of it past this process', async () => {
    const direct = counted();
    await using pair = await dataPair({ up: direct });
    pair.down.seen.keep = true;
    using large = blobFile(24 * MiB + 17);
    using small = blobFile(3 * KiB);
    const { readInto } = large;
    const ends = [large, small, { readInto }].map((reader, channel) =>
      send(pair, channel, reader, (reader === small ? small : large).bytes.length),
    );
    assert.deepEqual(await Promise.all(ends), [true, true, true]);
    const total = 2 * large.bytes.length + small.bytes.length;
    await pair.down.seen.until('all bytes', () => pair.down.seen.payloadBytes === total);
    for (const [channel, { bytes }] of [large, small, large].entries())
      assert.equal(arrived(pair, channel, bytes.length), sha256(bytes));
    assert.ok(direct.bytes > 0);
  });

  test('a receiver that stops reading gets every byte once it reads on', async () => {
    const direct = counted();
    await using pair = await dataPair({
      up: direct,
      down: { limits: { downloadBytesPerSecondMax: 64 * MiB } },
    });
    pair.down.seen.keep = true;
    using blob = blobFile(24 * MiB);
    assert.equal(await send(pair, 1, blob, blob.bytes.length), true);
    await pair.down.seen.until('all bytes', () => pair.down.seen.payloadBytes === blob.bytes.length);
    assert.equal(arrived(pair, 1, blob.bytes.length), sha256(blob.bytes));
    assert.ok(direct.bytes < blob.bytes.length, 'the socket was full at times');
  });

  test('a file that becomes shorter ends its transfer and not the process', async () => {
    await using pair = await dataPair({ up: counted() });
    using blob = blobFile(32 * MiB);
    const ended = send(pair, 1, blob, blob.bytes.length);
    truncateSync(blob.path, 5 * MiB);
    assert.equal(await ended, false);
    await pair.down.seen.until('the frame that begins in it', () => pair.down.seen.frames.at(-1)?.header.length === 0);
    assert.ok(pair.down.seen.payloadBytes <= 5 * MiB + chunkBytesMax);
    assert.equal(await send(pair, 2, blob, MiB), true);
  });
});
