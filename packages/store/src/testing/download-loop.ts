// Child process of the resume test: writes the pieces of a blob one by one; `ready` once the bitmap on disk has some.
import { MiB, pieceCountOf, pieceSpan } from '@shoal/core';
import { writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { readBitmap } from '../bitmap-file.ts';
import { BlobPaths } from '../blob-paths.ts';
import { PieceCache } from '../piece-cache.ts';
import { unsigned } from './cached.ts';
import { contentOf } from './content.ts';

const [folder = '', seed = '0', size = '0'] = process.argv.slice(2);
const bytes = contentOf(Number(seed), Number(size));
const cache = await PieceCache.open({ folder, quotaBytes: 64 * MiB });
const blob = await cache.create(unsigned(bytes));
using _downloading = blob.retain();
let isReady = false;
const file = new BlobPaths(folder).pieces(blob.digest);

const pieces = pieceCountOf(blob.size, blob.pieceLength);
for (let index = 0; index < pieces; index++) {
  const { offset, length } = pieceSpan(blob.size, blob.pieceLength, index);
  blob.writeSync(bytes.subarray(offset, offset + length / 2), offset);
  await wait(25);
  blob.writeSync(bytes.subarray(offset + length / 2, offset + length), offset + length / 2);
  blob.markPiece(index);
  writeSync(1, `wrote ${index}\n`);
  if (isReady || readBitmap(file)?.claimed.count === 0) continue;
  isReady = true;
  writeSync(1, 'ready\n');
}
await wait(60_000);
