import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { KiB, MiB } from '@shoal/core';
import type { Landed, Route } from '../data-connection.ts';
import type { EndpointHandler } from '../endpoint-options.ts';
import { silentLog } from '../log.ts';
import { dataPair, type LinkedPair } from '../testing/node.ts';
import { DataThreads } from './data-threads.ts';

const entry = new URL('../testing/data-thread.ts', import.meta.url);

const folder = mkdtempSync(join(tmpdir(), 'shoal-threads-'));
const fd = openSync(join(folder, 'blob'), 'w+');
after(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

interface Setting extends AsyncDisposable {
  readonly pair: LinkedPair;
  readonly threads: DataThreads;
  readonly landed: Landed[];
  dropped: number;
}

const setUp = async (): Promise<Setting> => {
  const threads = new DataThreads({ count: 2, entry, log: silentLog });
  const pair = await dataPair({ down: { dataDialer: threads } });
  const landed: Landed[] = [];
  const setting = {
    pair,
    threads,
    landed,
    dropped: 0,
    async [Symbol.asyncDispose]() {
      await pair[Symbol.asyncDispose]();
      await threads.close();
      assert.equal(threads.size, 0);
    },
  };
  const { seen } = pair.down;
  const handler: EndpointHandler = seen;
  handler.dataLanded = (_link, part) => {
    landed.push(part);
    seen.changed();
  };
  handler.dataDropped = (_link, bytes) => {
    setting.dropped += bytes;
    seen.changed();
  };
  return setting;
};

const piece = 3;
const offset = piece * MiB;

const send = ({ upLink }: LinkedPair, bytes: Uint8Array, from = offset): void => {
  const readInto = (buffer: Uint8Array, position: number): number => {
    buffer.set(bytes.subarray(position - from, position - from + buffer.length));
    return buffer.length;
  };
  upLink.uplink?.start({ channel: 1, piece, offset: from, length: bytes.length, reader: { readInto }, onEnd() {} });
};

const routeOf = ({ downLink }: LinkedPair, length: number): Route => {
  const route = downLink.route({ channel: 1, piece, offset, length, fd });
  assert.ok(route);
  return route;
};

const written = (length: number): Buffer => {
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, offset);
  return bytes;
};

suite('data threads', () => {
  test('a piece with a route goes into its file, and its hash is told with its last byte', async () => {
    await using setting = await setUp();
    const { pair, landed } = setting;
    const bytes = randomBytes(MiB + 5);
    const route = routeOf(pair, bytes.length);
    send(pair, bytes);
    await pair.down.seen.until('the hash', () => landed.at(-1)?.digest !== undefined);
    assert.deepEqual(Buffer.from(landed.at(-1)!.digest!), createHash('sha256').update(bytes).digest());
    assert.equal(
      landed.reduce((sum, { header }) => sum + header.length, 0),
      bytes.length,
    );
    assert.ok(landed.every((part) => part.route === route));
    assert.equal(pair.down.seen.payloadBytes, 0);
    assert.ok(written(bytes.length).equals(bytes));
    route.close();
  });

  test('what has no route comes as bytes', async () => {
    await using setting = await setUp();
    const { pair, landed } = setting;
    const { seen } = pair.down;
    seen.keep = true;
    const bytes = randomBytes(12 * MiB);
    send(pair, bytes);
    await seen.until('all bytes', () => seen.payloadBytes === bytes.length && seen.frames.at(-1)!.ended);
    assert.ok(Buffer.concat(seen.payloads.get(`1/${piece}`)!.map((part) => part.bytes)).equals(bytes));
    assert.equal(landed.length, 0);
  });

  test('a piece that came whole is not written once more, and neither is one whose route is closed', async () => {
    await using setting = await setUp();
    const { pair, landed } = setting;
    const { seen } = pair.down;
    const [first, second] = [randomBytes(256 * KiB), randomBytes(256 * KiB)];
    const route = routeOf(pair, first.length);
    send(pair, first);
    send(pair, second);
    await seen.until('the second as bytes', () => seen.payloadBytes === second.length);
    assert.equal(landed.filter(({ digest }) => digest).length, 1);
    assert.ok(written(first.length).equals(first));
    route.close();
    routeOf(pair, first.length).close();
    send(pair, second);
    await seen.until('the third as bytes', () => seen.payloadBytes === 2 * second.length);
    assert.ok(written(first.length).equals(first));
  });

  test('a route that closes while its piece comes takes nothing more', async () => {
    await using setting = await setUp();
    const { pair, landed } = setting;
    const { seen } = pair.down;
    const bytes = Buffer.alloc(4 * MiB, 1);
    const route = routeOf(pair, bytes.length);
    send(pair, bytes);
    await seen.until('a part', () => landed.length > 0);
    route.close();
    const told = landed.length;
    const [before] = [written(bytes.length)];
    await seen.until('the end', () => seen.frames.at(-1)?.ended === true || setting.dropped > 0);
    send(pair, Buffer.alloc(KiB, 2), offset + 8 * MiB);
    await seen.until('what follows', () => seen.frames.some(({ header, ended }) => ended && header.length === KiB));
    assert.equal(landed.length, told);
    assert.ok(written(bytes.length).equals(before));
  });

  test('a piece that begins anew is hashed from its first byte', async () => {
    await using setting = await setUp();
    const { pair, landed } = setting;
    const bytes = randomBytes(MiB);
    routeOf(pair, bytes.length);
    send(pair, randomBytes(256 * KiB));
    await pair.down.seen.until('a part', () => landed.length > 0);
    send(pair, bytes);
    await pair.down.seen.until('the hash', () => landed.at(-1)?.digest !== undefined);
    assert.deepEqual(Buffer.from(landed.at(-1)!.digest!), createHash('sha256').update(bytes).digest());
  });

  test('a write that fails is told, and the connection goes on', async () => {
    await using setting = await setUp();
    const { pair, landed } = setting;
    const full = openSync('/dev/full', 'r+');
    after(() => closeSync(full));
    pair.downLink.route({ channel: 1, piece, offset, length: KiB, fd: full });
    send(pair, randomBytes(KiB));
    await pair.down.seen.until('the error', () => landed.length > 0);
    assert.equal((landed[0]!.error as NodeJS.ErrnoException).code, 'ENOSPC');
    send(pair, randomBytes(KiB));
    await pair.down.seen.until('bytes', () => pair.down.seen.payloadBytes === KiB);
  });

  test('a thread that fails closes its connections, and the next dial has another', async () => {
    await using setting = await setUp();
    const { pair, landed } = setting;
    const { seen } = pair.down;
    const route = routeOf(pair, KiB);
    send(pair, Buffer.alloc(KiB, 0xff));
    await seen.until('the data connection closes', () => seen.dataClosures.length === 1);
    assert.match(seen.dataClosures[0]!, /its thread has ended/);
    route.close();
    assert.equal(pair.downLink.dataReady, false);
    pair.downLink.openData();
    await seen.until('another data connection', () => seen.dataOpenings === 2);
    routeOf(pair, KiB);
    send(pair, Buffer.alloc(KiB, 1));
    await seen.until('the hash', () => landed.at(-1)?.digest !== undefined);
  });
});
