// Child process of the resume test: writes pieces of one blob without end, in rounds over its length.
import { MiB, pieceCountOf, pieceSpan } from '@shoal/core';
import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { PieceCache } from '../piece-cache.ts';
import { unsigned } from './cached.ts';
import { contentOf } from './content.ts';

const [folder = '', seed = '0', size = '0'] = process.argv.slice(2);
const bytes = contentOf(Number(seed), Number(size));
const cache = await PieceCache.open({ folder, quotaBytes: 64 * MiB });
const blob = await cache.create(unsigned(bytes));
using _downloading = blob.retain();
writeSync(1, 'ready\n');

const pieces = pieceCountOf(blob.size, blob.pieceLength);
for (let index = 0; index < pieces; index++) {
  const { offset, length } = pieceSpan(blob.size, blob.pieceLength, index);
  blob.writeSync(bytes.subarray(offset, offset + length / 2), offset);
  await wait(10);
  blob.writeSync(bytes.subarray(offset + length / 2, offset + length), offset + length / 2);
  blob.markPiece(index);
  writeSync(1, `wrote ${index}\n`);
}
await wait(60_000);
