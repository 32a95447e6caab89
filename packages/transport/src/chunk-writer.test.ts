import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { MiB } from '@shoal/core';
import { chunkBytesMax, dataHeaderBytes, type DataHeader, FrameDecoder } from '@shoal/protocol';
import { silentLog } from './log.ts';
import type { PieceReader, Transfer } from './uplink.ts';
import { UplinkSender } from './uplink-sender.ts';

/** The blob: each byte says where it is. */
const byteAt = (position: number): number => (position * 31 + (position >> 8)) & 0xff;
const content = (position: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => byteAt(position + index));

/** A connection whose kernel takes as many bytes of a file as it is told to, and all that is written when it is asked to. */
class Wire {
  readonly headers: DataHeader[] = [];
  readonly waiting: ((ok: boolean) => void)[] = [];
  /** Bytes that were not those of the blob at their place. */
  wrong = 0;
  direct = 0;
  readonly #take: (bytes: number) => number;
  #at = 0;
  readonly #decoder = new FrameDecoder({
    message() {},
    dataBegin: (header) => {
      this.headers.push(header);
      this.#at = header.offset;
    },
    dataBytes: (bytes) => {
      for (const byte of bytes) if (byte !== byteAt(this.#at++)) this.wrong++;
    },
    dataEnd() {},
  });

  constructor(take: (bytes: number) => number) {
    this.#take = take;
    this.#decoder.phase = 'data';
  }

  readonly sendFile = (head: Uint8Array, _fd: number, position: number, length: number): number => {
    // Nothing goes past what waits.
    const taken = this.waiting.length > 0 ? 0 : Math.min(head.length + length, this.#take(head.length + length));
    this.#decoder.push(Buffer.concat([head, content(position, length)]).subarray(0, taken));
    this.direct += taken;
    return taken;
  };

  write(bytes: Uint8Array, done?: (ok: boolean) => void): void {
    this.#decoder.push(bytes);
    this.waiting.push(done ?? (() => {}));
  }

  async flush(): Promise<void> {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const done = this.waiting.shift();
      if (!done) return;
      done(true);
    }
  }
}

const file: PieceReader = {
  fd: 3,
  readInto: (buffer, position) => {
    buffer.set(content(position, buffer.length));
    return buffer.length;
  },
};

const transfer = (length: number, reader: PieceReader, onEnd: (ok: boolean) => void): Transfer => ({
  channel: 1,
  piece: 0,
  offset: 1000,
  length,
  reader,
  onEnd,
});

const sorted = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);

suite('chunks from files', () => {
  test('every byte comes once and in its place, however much of a frame the kernel takes', async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 3 * 1024 }), { minLength: 1, maxLength: 6 });
    const takes = fc.array(fc.integer({ min: 0, max: 4 * 1024 }), { minLength: 1 });
    await fc.assert(
      fc.asyncProperty(lengths, takes, async (sizes, taken) => {
        let calls = 0;
        const wire = new Wire(() => taken[calls++ % taken.length]!);
        const sender = new UplinkSender(wire, { log: silentLog });
        const ends: boolean[] = [];
        for (const size of sizes) sender.start(transfer(size, file, (ok) => ends.push(ok)));
        await wire.flush();
        assert.equal(wire.wrong, 0);
        assert.deepEqual(sorted(wire.headers.map(({ length }) => length)), sorted(sizes));
        assert.deepEqual(
          ends,
          sizes.map(() => true),
        );
      }),
      { numRuns: 50 },
    );
  });

  test('a kernel that takes all is given two megabytes a turn, in frames of one chunk', async () => {
    const wire = new Wire((bytes) => bytes);
    const sender = new UplinkSender(wire, { log: silentLog });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    sender.start(transfer(9 * chunkBytesMax, file, resolve));
    await new Promise((next) => setImmediate(next));
    assert.equal(wire.headers.length, (2 * MiB) / chunkBytesMax);
    assert.equal(await promise, true);
    assert.equal(wire.direct, 9 * (chunkBytesMax + dataHeaderBytes));
  });

  test('a file that cannot be opened any more ends the transfer, and tells the receiver', async () => {
    const wire = new Wire((bytes) => bytes);
    const gone = (): never => assert.fail('it has left the cache');
    const reader = {
      readInto: gone,
      get fd(): number {
        return gone();
      },
    };
    const sender = new UplinkSender(wire, { log: silentLog });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    sender.start(transfer(10, reader, resolve));
    await wire.flush();
    assert.equal(await promise, false);
    assert.deepEqual(
      wire.headers.map(({ length }) => length),
      [0],
    );
  });

  test('a file that ends within a frame ends its transfer only: the frame is filled up', async () => {
    const wire = new Wire(() => dataHeaderBytes + 5);
    const sender = new UplinkSender(wire, { log: silentLog });
    const ends: boolean[] = [];
    sender.start(transfer(chunkBytesMax + 10, { fd: 3, readInto: () => 0 }, (ok) => ends.push(ok)));
    await wire.flush();
    sender.start(transfer(10, { fd: 3, readInto: () => 0 }, (ok) => ends.push(ok)));
    await wire.flush();
    sender.start(transfer(20, file, (ok) => ends.push(ok)));
    await wire.flush();
    assert.deepEqual(ends, [false, false, true]);
    assert.deepEqual(
      wire.headers.map(({ length }) => length),
      [chunkBytesMax, 0, 10, 0, 20],
    );
    assert.ok(wire.wrong > 0);
    assert.equal(sender.running, 0);
  });

  test('files of which nothing ever goes directly are read and written, and no longer offered', async () => {
    const wire = new Wire(() => dataHeaderBytes);
    const sender = new UplinkSender(wire, { log: silentLog });
    const { promise, resolve } = Promise.withResolvers<boolean>();
    sender.start(transfer(8 * chunkBytesMax, file, resolve));
    await wire.flush();
    assert.equal(await promise, true);
    assert.equal(wire.wrong, 0);
    assert.equal(wire.direct, 3 * dataHeaderBytes);
  });
});
