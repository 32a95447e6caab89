import { Bitfield, leafLength } from '@shoal/core';
import fc from 'fast-check';
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { type BitmapRecord, readBitmap, writeBitmap } from './bitmap-file.ts';
import { temporaryFolder } from './testing/content.ts';

const recordOf = (sequence: number, pieces: number, set: readonly number[]): BitmapRecord => {
  const claimed = new Bitfield(pieces);
  for (const index of set) if (index < pieces) claimed.set(index);
  return {
    sequence,
    size: pieces * leafLength,
    pieceLength: leafLength,
    lastUsedMs: 1.7e12 + sequence,
    suspect: sequence % 3 === 0,
    pinned: sequence % 2 === 0,
    claimed,
  };
};

const comparable = (record: BitmapRecord | undefined) =>
  record && { ...record, claimed: record.claimed.toBytes().toHex() };

/** Up to more than one block of bitmap. */
const anyPieces = fc.oneof(fc.nat(100), fc.nat(70_000));
const anySet = fc.array(fc.nat(70_000), { maxLength: 20 });

suite('bitmap files', () => {
  test('what was written last is read, whatever byte of it is damaged the one before it', async () => {
    await using folder = temporaryFolder();
    const file = join(folder.path, 'x.pieces');
    fc.assert(
      fc.property(
        anyPieces,
        fc.array(anySet, { minLength: 2, maxLength: 5 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (pieces, sets, at, flip) => {
          const records = sets.map((set, sequence) => recordOf(sequence, pieces, set));
          for (const record of records) writeBitmap(file, record);
          const [previous, last] = records.slice(-2);
          assert.ok(previous && last);
          assert.deepEqual(comparable(readBitmap(file)), comparable(last));
          const bytes = readFileSync(file);
          const slotLength = 40 + Math.ceil(pieces / 8);
          const offset = last.sequence % 2 === 0 ? 0 : Math.ceil(slotLength / 4096) * 4096;
          const damaged = offset + (at % slotLength);
          bytes[damaged] = (bytes[damaged] ?? 0) ^ flip;
          writeFileSync(file, bytes);
          assert.deepEqual(comparable(readBitmap(file)), comparable(previous));
        },
      ),
      { numRuns: 60 },
    );
  });

  test('bytes of any other kind are no bitmap', async () => {
    await using folder = temporaryFolder();
    const file = join(folder.path, 'x.pieces');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        writeFileSync(file, bytes);
        assert.equal(readBitmap(file), undefined);
      }),
      { numRuns: 50 },
    );
  });
});
