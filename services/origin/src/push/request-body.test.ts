import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ShoalError } from '@shoal/core';
import fc from 'fast-check';
import type { FastifyRequest } from 'fastify';
import { bodyChunks } from './request-body.ts';

const pace = { idleTimeoutMs: 60_000, bytesPerSecondMin: 1024 };

/** Bytes that are taken from a body whose chunks take the given time to come. */
const take = async (
  chunks: readonly { readonly bytes: number; readonly afterMs: number }[],
  readerMs = 0,
  limits = pace,
): Promise<{ taken: number; error: unknown }> => {
  let nowMs = 0;
  const raw = new Readable({ read: () => undefined });
  const feed = async (): Promise<void> => {
    for (const { bytes, afterMs } of chunks) {
      nowMs += afterMs;
      raw.push(Buffer.alloc(bytes));
      await setImmediate();
    }
    raw.push(null);
  };
  void feed();
  const request = { raw, headers: {} } as unknown as FastifyRequest;
  let taken = 0;
  try {
    for await (const chunk of bodyChunks(request, { ...limits, batchBytes: 1024, clock: () => nowMs })) {
      taken += chunk.length;
      // Until both batches are taken, and the client is held back.
      while (readerMs > 0 && !raw.isPaused() && !raw.readableEnded) await setImmediate();
      nowMs += readerMs;
    }
    return { taken, error: undefined };
  } catch (error) {
    return { taken, error };
  }
};

const times = (count: number, bytes: number, afterMs: number) =>
  Array.from({ length: count }, () => ({ bytes, afterMs }));

describe('bodyChunks', () => {
  it('gives up a client below the rate, after the bytes that came', async () => {
    const { taken, error } = await take(times(100, 1, 10_000));
    assert.ok(error instanceof ShoalError && error.code === 'BODY_STALLED' && error.status === 408);
    assert.match(error.message, /bytes in [67]\d\.0 s; allowed are 1024 a second/);
    assert.ok(taken >= 6 && taken <= 8, `${taken} bytes`);
  });

  it('lets a client at the rate go on for ever', async () => {
    const { taken, error } = await take(times(100, 10_240, 10_000));
    assert.deepEqual([taken, error], [1_024_000, undefined]);
  });

  it('measures every window: a fast start is no credit', async () => {
    const { error } = await take([{ bytes: 10_000_000, afterMs: 60_000 }, ...times(20, 1, 10_000)]);
    assert.ok(error instanceof ShoalError);
  });

  it('does not count the time of the reader', async () => {
    const { taken, error } = await take(times(100, 1024, 0), 10_000);
    assert.deepEqual([taken, error], [102_400, undefined]);
  });

  it('gives all bytes in order, whatever the sizes of chunks and batches are', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.uint8Array({ minLength: 1, maxLength: 50 }), { maxLength: 20 }),
      fc.integer({ min: 1, max: 64 }),
      async (chunks, batchBytes) => {
        const raw = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
        const request = { raw, headers: {} } as unknown as FastifyRequest;
        const taken: number[] = [];
        for await (const batch of bodyChunks(request, { ...pace, batchBytes })) taken.push(...batch);
        assert.deepEqual(taken, [...Buffer.concat(chunks)]);
      },
    );
    await fc.assert(property);
  });

  it('gives what has come before it tells that the client is gone', async () => {
    const raw = new Readable({ read: () => undefined });
    const request = { raw, headers: {} } as unknown as FastifyRequest;
    const batches = bodyChunks(request, { ...pace, batchBytes: 4 });
    const first = batches.next();
    raw.push(Buffer.from('abcdefghijkl'));
    const text = async (next: typeof first): Promise<string> => Buffer.from((await next).value ?? []).toString();
    assert.equal(await text(first), 'abcd');
    raw.destroy(new Error('gone'));
    assert.equal(await text(batches.next()), 'efgh');
    assert.equal(await text(batches.next()), 'ijkl');
    await assert.rejects(batches.next(), /gone/);
  });

  it('lets all be slow without a rate', async () => {
    const { error } = await take(times(100, 1, 10_000), 0, { ...pace, bytesPerSecondMin: 0 });
    assert.equal(error, undefined);
  });
});
