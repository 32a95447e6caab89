import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bitfield, type Digest, parseDigest } from '@shoal/core';
import type { SeedBlob, Seeding } from '@shoal/exchange';
import type { CachedBlob } from '@shoal/store';
import { Seeds } from './seeds.ts';

const digestOf = (digit: string): Digest => parseDigest(`sha256:${digit.repeat(64)}`);

const world = (seedsMax: number) => {
  const log: string[] = [];
  const seeded = new Map<string, SeedBlob>();
  const exchange = {
    seed: (blob: SeedBlob) => {
      const name = blob.metainfo.digest[7] ?? '';
      seeded.set(name, blob);
      log.push(`seed ${name}`);
      return { degree: 0, stop: async () => void log.push(`stop ${name}`) } as unknown as Seeding;
    },
  };
  const announcer = {
    complete: ({ digest }: { digest?: Digest | undefined }) => void log.push(`announce ${digest?.[7]}`),
    touch: () => Boolean(log.push('touch')),
    leave: () => void log.push('leave'),
  };
  return { log, seeded, seeds: new Seeds({ exchange, announcer, seedsMax, clock: () => 0 }) };
};

const blobOf = (digit: string, pins: string[] = []): CachedBlob => {
  const digest = digestOf(digit);
  return {
    digest,
    signed: { metainfo: { digest, leafAlgorithm: 'sha256', pieceLength: 262_144 } },
    have: Bitfield.full(2),
    complete: true,
    removed: false,
    touch: () => {},
    readInto: () => 1,
    retain: () => {
      pins.push('pinned');
      return { [Symbol.dispose]: () => void pins.push('released') };
    },
  } as unknown as CachedBlob;
};

test('a complete blob is seeded and announced once; using it again only counts as a use', () => {
  const { seeds, log } = world(10);
  const blob = blobOf('a');
  seeds.ensure(blob);
  seeds.ensure(blob);
  assert.deepEqual(log, ['seed a', 'announce a', 'touch']);
});

test('an incomplete blob is not seeded', () => {
  const { seeds, log } = world(10);
  seeds.ensure({ ...blobOf('a'), complete: false } as CachedBlob);
  assert.deepEqual(log, []);
});

test('beyond the bound the least recently used seed is dropped: it leaves before its file may go', async () => {
  const { seeds, log } = world(2);
  const [a, b, c] = [blobOf('a'), blobOf('b'), blobOf('c')];
  seeds.ensure(a);
  seeds.ensure(b);
  seeds.ensure(a);
  seeds.ensure(c);
  assert.deepEqual([...seeds.digests()], [digestOf('a'), digestOf('c')]);
  assert.deepEqual(log.slice(-2), ['leave', 'stop b']);
  await seeds.drop(digestOf('a'));
  assert.equal(seeds.size, 1);
});

test('a blob is pinned while peers read it', () => {
  const { seeds, seeded } = world(10);
  const pins: string[] = [];
  seeds.ensure(blobOf('a', pins));
  const served = seeded.get('a')!;
  served.readInto(new Uint8Array(1), 0);
  served.readInto(new Uint8Array(1), 0);
  assert.deepEqual(pins, ['pinned']);
  seeds.close();
  assert.deepEqual(pins, ['pinned', 'released']);
});
