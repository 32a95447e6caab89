import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { InvalidValueError } from '@shoal/core';
import { chunkBytesMax, type DataHeader, FrameDecoder } from '@shoal/protocol';
import { silentLog } from './log.ts';
import type { PieceReader, Transfer } from './uplink.ts';
import { UplinkSender } from './uplink-sender.ts';

/** A connection that hands a frame to the kernel when the test says so. */
class Wire {
  readonly headers: DataHeader[] = [];
  readonly payloads: number[] = [];
  readonly waiting: ((ok: boolean) => void)[] = [];
  readonly #decoder = new FrameDecoder({
    message() {},
    dataBegin: (header) => void this.headers.push(header),
    dataBytes: (bytes) => void this.payloads.push(bytes[0]!),
    dataEnd() {},
  });

  constructor() {
    this.#decoder.phase = 'data';
  }

  write(bytes: Uint8Array, done?: (ok: boolean) => void): void {
    this.#decoder.push(bytes);
    this.waiting.push(done!);
  }

  /** Writes until nothing waits. */
  async flush(): Promise<void> {
    for (;;) {
      await turn();
      const done = this.waiting.shift();
      if (!done) return;
      done(true);
    }
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const filler = (value: number): PieceReader => ({ readInto: (buffer) => buffer.fill(value).length });

const setUp = (): {
  wire: Wire;
  sender: UplinkSender;
  ends: Record<number, boolean>;
  start: (piece: number, length: number, more?: Partial<Transfer>) => ReturnType<UplinkSender['start']>;
} => {
  const wire = new Wire();
  const sender = new UplinkSender(wire, { log: silentLog });
  const ends: Record<number, boolean> = {};
  const start = (piece: number, length: number, more: Partial<Transfer> = {}): ReturnType<UplinkSender['start']> =>
    sender.start({
      channel: 1,
      piece,
      offset: piece * 1e9,
      length,
      reader: filler(piece),
      onEnd: (ok) => void (ends[piece] = ok),
      ...more,
    });
  return { wire, sender, ends, start };
};

suite('UplinkSender', () => {
  test('one chunk at a time waits for the kernel, and a small transfer goes next', async () => {
    const { wire, start, ends } = setUp();
    start(1, 3 * chunkBytesMax);
    await turn();
    start(2, 10);
    for (let chunk = 1; chunk <= 4; chunk++) {
      // The next one may have to wait for another turn's bytes.
      for (let turns = 0; wire.waiting.length === 0 && turns < 3; turns++) await turn();
      assert.deepEqual([wire.waiting.length, wire.headers.length], [1, chunk]);
      wire.waiting.shift()!(true);
    }
    assert.deepEqual(
      wire.headers.map(({ piece }) => piece),
      [1, 2, 1, 1],
    );
    assert.deepEqual(ends, { 1: true, 2: true });
  });

  test('chunks carry their place in the blob, and all bytes of the reader', async () => {
    const { wire, start, ends } = setUp();
    const read: number[] = [];
    const reader: PieceReader = { readInto: (buffer, position) => (read.push(position), buffer.fill(7).length) };
    let progress = 0;
    start(3, chunkBytesMax + 5, { reader, onProgress: (bytes) => void (progress += bytes) });
    await wire.flush();
    assert.deepEqual(wire.headers, [
      { channel: 1, piece: 3, offset: 3e9, length: chunkBytesMax },
      { channel: 1, piece: 3, offset: 3e9 + chunkBytesMax, length: 5 },
    ]);
    assert.deepEqual(read, [3e9, 3e9 + chunkBytesMax]);
    assert.deepEqual(wire.payloads, [7, 7]);
    assert.equal(progress, chunkBytesMax + 5);
    assert.deepEqual(ends, { 3: true });
  });

  test('a cancelled transfer stops at the next chunk, tells the receiver, and ends once', async () => {
    const { wire, sender, start, ends } = setUp();
    const handle = start(1, 100 * chunkBytesMax);
    await turn();
    sender.cancel(handle);
    sender.cancel(handle);
    assert.deepEqual(ends, {}, 'onEnd comes from outside cancel');
    await wire.flush();
    assert.deepEqual(
      wire.headers.map(({ length }) => length),
      [chunkBytesMax, 0],
    );
    assert.equal(wire.headers.at(-1)!.offset, 1e9 + chunkBytesMax);
    assert.deepEqual(ends, { 1: false });
    assert.equal(sender.running, 0);
  });

  test('a transfer that has not sent anything is cancelled alike; one that has ended is not', async () => {
    const { wire, sender, start, ends } = setUp();
    sender.cancel(start(1, 10));
    const done = start(2, 10);
    await wire.flush();
    sender.cancel(done);
    await wire.flush();
    assert.deepEqual(
      wire.headers.map(({ piece, length }) => [piece, length]),
      [
        [1, 0],
        [2, 10],
      ],
    );
    assert.deepEqual(ends, { 1: false, 2: true });
  });

  for (const [name, reader] of [
    ['throws', { readInto: () => assert.fail('EIO') }],
    ['comes up short', { readInto: () => 3 }],
  ] as [string, PieceReader][]) {
    test(`a read that ${name} ends that transfer only, and tells the receiver`, async () => {
      const { wire, start, ends } = setUp();
      start(1, 10, { reader });
      start(2, 11);
      await wire.flush();
      assert.deepEqual(
        wire.headers.map(({ piece, length }) => [piece, length]),
        [
          [1, 0],
          [2, 11],
        ],
      );
      assert.deepEqual(ends, { 1: false, 2: true });
    });
  }

  test('a lost connection ends all transfers, and what starts later', async () => {
    const { wire, sender, start, ends } = setUp();
    start(1, 10 * chunkBytesMax);
    start(2, 10);
    await turn();
    sender.close();
    assert.deepEqual(ends, { 1: false, 2: false });
    start(3, 10);
    assert.ok(!(3 in ends));
    for (const done of wire.waiting) done(false);
    await turn();
    assert.deepEqual(ends, { 1: false, 2: false, 3: false });
    assert.equal(wire.waiting.length, 1);
  });

  test('a fast kernel does not keep the event loop from others', async () => {
    const wire = { write: (_bytes: Uint8Array, done?: (ok: boolean) => void) => process.nextTick(() => done?.(true)) };
    const sender = new UplinkSender(wire, { log: silentLog });
    let ended = false;
    let turns = 0;
    sender.start({
      channel: 1,
      piece: 1,
      offset: 0,
      length: 128 * chunkBytesMax,
      reader: filler(1),
      onEnd: () => (ended = true),
    });
    for (; !ended; turns++) await turn();
    assert.ok(turns >= 10, `${turns} turns`);
  });

  test('what no frame could carry is refused at the start', () => {
    const { sender, start } = setUp();
    assert.throws(() => start(1, 0), InvalidValueError);
    assert.throws(() => start(-1, 10), InvalidValueError);
    assert.throws(() => start(1, 10, { channel: 2 ** 32 }), InvalidValueError);
    assert.throws(() => start(1, 10, { offset: Number.MAX_SAFE_INTEGER }), InvalidValueError);
    assert.equal(sender.running, 0);
  });
});
