import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KiB, type SignedMetainfo } from '@shoal/core';
import { StoreFullError } from '@shoal/store';
import { OriginBusyError, type OriginClient } from '../origin/origin-client.ts';
import { Origins } from '../origin/origins.ts';
import { eventually } from '../testing/world.ts';
import { HttpFallback } from './http-fallback.ts';

const size = 5 * 256 * KiB;
const signed = { metainfo: { digest: 'sha256:0', size, pieceLength: 256 * KiB } } as unknown as SignedMetainfo;

/** A download that misses all pieces, as the fallback sees it. */
const downloadOf = (o: { deliver?: () => boolean; matches?: () => boolean } = {}) => {
  const missing = new Set([0, 1, 2, 3, 4]);
  const log: string[] = [];
  return {
    log,
    missing,
    claimMissing: () => {
      const [piece] = missing;
      if (piece !== undefined) missing.delete(piece);
      return piece;
    },
    deliverBytes: () => o.deliver?.() ?? true,
    delivered: (piece: number) => {
      log.push(`delivered ${piece}`);
      return o.matches?.() ?? true;
    },
    released: (piece: number) => {
      log.push(`released ${piece}`);
      missing.add(piece);
    },
  };
};

const fallbackOf = (
  download: ReturnType<typeof downloadOf>,
  range: OriginClient['range'],
  failed = (_error: unknown) => {},
) => {
  const origins = new Origins({
    clients: [{ url: 'http://o', range } as OriginClient],
    clock: () => 5,
    events: { originFailed: () => {}, originAnswered: () => {} },
  });
  const corrupt: number[] = [];
  const events = { pieceCorrupt: (_from: string, piece: number) => void corrupt.push(piece) };
  return {
    corrupt,
    fallback: new HttpFallback({
      download,
      origins,
      metainfo: signed.metainfo,
      repository: 'r',
      clock: () => 5,
      lot: 0.5,
      events,
      failed,
    }),
  };
};

const whole: OriginClient['range'] = async function* (_digest, _repository, { length }) {
  yield new Uint8Array(length);
};

test('it fetches one missing piece after the other until none is left', async () => {
  const download = downloadOf();
  const { fallback } = fallbackOf(download, whole);
  fallback.mode = 'missing';
  await eventually(() => download.log.length === 5);
  assert.deepEqual(
    download.log.toSorted(),
    [0, 1, 2, 3, 4].map((piece) => `delivered ${piece}`),
  );
  assert.equal(fallback.failedMs, undefined);
});

test('when no origin delivers it gives the claims back and says when that was', async () => {
  const download = downloadOf();
  const { fallback } = fallbackOf(download, async function* (): AsyncGenerator<Uint8Array> {
    yield await Promise.reject<Uint8Array>(new Error('connection refused'));
  });
  fallback.mode = 'any';
  await eventually(() => download.log.length === 2);
  assert.ok(download.log.every((line) => line.startsWith('released')));
  assert.equal(fallback.failedMs, 5);
  assert.equal(download.missing.size, 5);
});

test('a busy origin is left alone for as long as it asks, and is no failure', async () => {
  const download = downloadOf();
  let asked = 0;
  const { fallback } = fallbackOf(download, async function* (): AsyncGenerator<Uint8Array> {
    asked++;
    yield await Promise.reject<Uint8Array>(new OriginBusyError('busy', 1000));
  });
  fallback.mode = 'any';
  await eventually(() => download.log.length === 2);
  assert.deepEqual([fallback.failedMs, fallback.busyUntilMs], [undefined, 5 + 1500]);
  fallback.mode = 'any';
  fallback.fetchOne();
  assert.equal(asked, 2);
});

test('a piece that does not match is reported, and switching off ends after the running pieces', async () => {
  const download = downloadOf({ matches: () => false });
  const { fallback, corrupt } = fallbackOf(download, whole);
  fallback.mode = 'any';
  fallback.mode = 'off';
  await eventually(() => corrupt.length === 2);
  assert.equal(download.missing.size, 3);
});

test("a disk that is full is the blob's failure, not the origin's", async () => {
  const download = downloadOf({
    deliver: () => {
      throw new StoreFullError('the disk is full');
    },
  });
  const failures: unknown[] = [];
  const { fallback } = fallbackOf(download, whole, (error) => failures.push(error));
  fallback.mode = 'missing';
  await eventually(() => failures.length > 0);
  assert.ok(failures[0] instanceof StoreFullError);
  assert.equal(fallback.failedMs, undefined);
});
