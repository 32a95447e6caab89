import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { ShoalError } from '@shoal/core';
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
  const raw = Readable.from(
    (function* () {
      for (const { bytes, afterMs } of chunks) {
        nowMs += afterMs;
        yield Buffer.alloc(bytes);
      }
    })(),
    { highWaterMark: 1, objectMode: true },
  );
  let taken = 0;
  try {
    for await (const chunk of bodyChunks({ raw } as unknown as FastifyRequest, limits, () => nowMs)) {
      taken += chunk.length;
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
    assert.ok(taken >= 6 && taken <= 8, `${taken}`);
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
    const { taken, error } = await take(times(100, 1, 0), 10_000);
    assert.deepEqual([taken, error], [100, undefined]);
  });

  it('lets all be slow without a rate', async () => {
    const { error } = await take(times(100, 1, 10_000), 0, { ...pace, bytesPerSecondMin: 0 });
    assert.equal(error, undefined);
  });
});
