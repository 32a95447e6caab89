import { defaultPieceLengthPolicy, pieceSpan, type PieceLengthPolicy, type SignedMetainfo } from '@shoal/core';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CachedBlob } from '../cached-blob.ts';
import { markerName } from '../folder-lock.ts';
import type { PieceCache } from '../piece-cache.ts';
import { TreeHasher } from '../tree-hasher.ts';

/** Metainfo without a signature: the cache leaves that check to its user. */
export const unsigned = (bytes: Uint8Array, policy: PieceLengthPolicy = defaultPieceLengthPolicy): SignedMetainfo => {
  const hasher = new TreeHasher();
  hasher.update(bytes);
  return { metainfo: hasher.finish(policy).metainfo, signatures: [] };
};

/** What a download does with one piece. */
export const deliver = (blob: CachedBlob, bytes: Uint8Array, index: number): void => {
  const { offset, length } = pieceSpan(blob.size, blob.pieceLength, index);
  blob.writeSync(bytes.subarray(offset, offset + length), offset);
  blob.markPiece(index);
};

/** A complete blob in the cache. */
export const store = async (cache: PieceCache, bytes: Uint8Array): Promise<CachedBlob> => {
  const blob = await cache.create(unsigned(bytes));
  using _downloading = blob.retain();
  for (let index = 0; index < blob.have.length; index++) deliver(blob, bytes, index);
  await blob.finish();
  return blob;
};

export const readAll = (blob: CachedBlob): Uint8Array => {
  const bytes = new Uint8Array(blob.size);
  return bytes.subarray(0, blob.readInto(bytes, 0));
};

/** As if the process that owns the folder had been killed. */
export const forgetOwner = (folder: string): void =>
  writeFileSync(join(folder, markerName), '{"pid":1,"started":"never"}');
