import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { MiB } from '@shoal/core';
import type { BlobSource } from './blob-source.ts';
import { BodyWriter } from './body-writer.ts';
import { replyBuffers } from './buffer-pool.ts';
import { Watchdog } from './watchdog.ts';

const size = 64 * MiB;

const source: BlobSource = {
  size,
  readInto: (buffer, position) => Math.min(buffer.length, size - position),
  waitFor: () => Promise.reject(new Error('all is there')),
  close: () => {},
};

/** A reply whose socket takes what it gets at once, or never tells that it has taken anything. */
const replyThat = (takes: 'all' | 'nothing') => {
  const seen = { bytes: 0, chunks: new Set<ArrayBufferLike>() };
  const socket = {
    writableLength: 0,
    write: (chunk: Uint8Array, written: () => void): boolean => {
      seen.bytes += chunk.length;
      seen.chunks.add(chunk.buffer);
      if (takes === 'all') process.nextTick(written);
      else socket.writableLength += chunk.length;
      return takes === 'all';
    },
  };
  const raw = { socket: socket as unknown as Socket, write: socket.write } as unknown as ServerResponse;
  return { raw, seen };
};

const writerTo = (raw: ServerResponse, watchdog: Watchdog): BodyWriter =>
  new BodyWriter(0, { raw, source, watchdog, stallTimeoutMs: 60_000, sendfile: undefined });

describe('BodyWriter', () => {
  // All replies may move 8 MiB a turn. In the first turn of a reply its head leaves as well, with a buffer.
  for (const [clients, most] of [
    [1, 3 * MiB],
    [16, 16 * MiB],
  ] as const)
    it(`lets others have their turn, however fast the client is, of ${clients}`, async () => {
      const { raw, seen } = replyThat('all');
      using parts = new DisposableStack();
      const watchdog = parts.use(new Watchdog());
      const writers = Array.from({ length: clients }, () => parts.use(writerTo(raw, watchdog)));
      const turns: number[] = [];
      const count = (): void => {
        turns.push(seen.bytes);
        if (seen.bytes < size * clients) setImmediate(count);
      };
      setImmediate(count);
      await Promise.all(writers.map((writer) => writer.moveTo(size)));
      assert.equal(seen.bytes, size * clients);
      const longest = Math.max(...turns.map((bytes, turn) => bytes - (turns[turn - 1] ?? 0)));
      assert.ok(longest <= most, `${longest} bytes in one turn`);
    });

  it('uses one buffer, which others get when all is written', async () => {
    const { raw, seen } = replyThat('all');
    using watchdog = new Watchdog();
    {
      using writer = writerTo(raw, watchdog);
      await writer.moveTo(size);
    }
    assert.equal(seen.chunks.size, 1);
    const next = replyBuffers.take();
    assert.ok(seen.chunks.has(next.buffer));
  });

  it('keeps the buffer from others while the socket has not taken it', async () => {
    const { raw, seen } = replyThat('nothing');
    using watchdog = new Watchdog();
    {
      using writer = writerTo(raw, watchdog);
      const moved = writer.moveTo(size);
      watchdog.abort(new Error('the client left'));
      await assert.rejects(moved, /the client left/);
    }
    assert.equal(seen.chunks.size, 1);
    assert.ok(!seen.chunks.has(replyBuffers.take().buffer));
  });
});
