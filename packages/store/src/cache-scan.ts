import { Bitfield, decodeMetainfo, pieceCountOf, type Digest, type SignedMetainfo } from '@shoal/core';
import { readFileSync, rmSync } from 'node:fs';
import { type BitmapRecord, readBitmap } from './bitmap-file.ts';
import {
  type BlobFiles,
  type BlobPaths,
  filesOf,
  metainfoSuffix,
  piecesSuffix,
  type ShardEntry,
} from './blob-paths.ts';
import { sha256 } from './hash.ts';

/** A blob as start-up finds it. Metainfo is read later, when somebody asks for the blob: it is large and takes hashing. */
export interface FoundBlob {
  readonly digest: Digest;
  readonly record: BitmapRecord;
}

/** All blobs of a cache folder; files that do not make one, leftovers of a crash, are removed. */
export function* scanCache(paths: BlobPaths, unclean: boolean): Iterable<FoundBlob> {
  for (const shard of paths.shards()) {
    for (const entry of shard) {
      const record = findRecord(paths, entry, unclean);
      if (record) yield { digest: entry.digest, record };
      else removeFiles(filesOf(paths, entry.digest));
    }
  }
}

export const removeFiles = (files: BlobFiles): void => {
  for (const file of Object.values(files) as string[]) rmSync(file, { force: true });
};

/** Metainfo from its file; undefined when it is missing, malformed or of another blob. */
export const loadMetainfo = (file: string, digest: Digest): SignedMetainfo | undefined => {
  try {
    const signed = decodeMetainfo(readFileSync(file), sha256);
    return signed.metainfo.digest === digest ? signed : undefined;
  } catch {
    return undefined;
  }
};

const findRecord = (paths: BlobPaths, { digest, suffixes }: ShardEntry, unclean: boolean): BitmapRecord | undefined => {
  if (!suffixes.has('') || !suffixes.has(metainfoSuffix)) return undefined;
  const record = suffixes.has(piecesSuffix) ? readBitmap(paths.pieces(digest)) : undefined;
  if (record) return { ...record, suspect: record.suspect || unclean };
  return everythingClaimed(loadMetainfo(paths.metainfo(digest), digest));
};

/** Without a bitmap that is whole the content itself has to tell which pieces are there. */
const everythingClaimed = (signed: SignedMetainfo | undefined): BitmapRecord | undefined => {
  if (!signed) return undefined;
  const { size, pieceLength } = signed.metainfo;
  return {
    sequence: -1,
    size,
    pieceLength,
    lastUsedMs: 0,
    suspect: true,
    pinned: false,
    claimed: Bitfield.full(pieceCountOf(size, pieceLength)),
  };
};
