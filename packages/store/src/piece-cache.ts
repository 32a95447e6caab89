import type { Digest, RepositoryName, SignedMetainfo, Tag } from '@shoal/core';
import type { CachedBlob } from './cached-blob.ts';

export interface PieceCacheOptions {
  readonly folder: string;
  /** Bytes of all blobs together, by their full sizes; never exceeded. */
  readonly quotaBytes: number;
  /** Fraction of the quota above which eviction starts; default 0.95. */
  readonly highWater?: number;
  /** Fraction of the quota down to which it goes; default 0.85. */
  readonly lowWater?: number;
  /** Bytes of the disk that a reservation leaves free; default 0. */
  readonly diskFreeBytesMin?: number;
  /** Milliseconds since the epoch, for the order of use. */
  readonly clock?: () => number;
  /** Metainfo for which this is false (its signature, say) is dropped with its blob when it is loaded from disk. */
  readonly trusts?: (signed: SignedMetainfo) => boolean;
  readonly events?: PieceCacheEvents;
}

export interface PieceCacheEvents {
  /** Runs before the files are unlinked: LEAVE the swarm here. The blob is no longer found by `get`. */
  onEvict?(blob: CachedBlob): void;
  /** A file of the cache was unreadable and has been dropped. */
  onDropped?(file: string, reason: string): void;
}

export interface PieceCacheStats {
  /** Full sizes of all blobs, complete or not. */
  readonly bytes: number;
  readonly blobs: number;
  /** Since open. */
  readonly evictions: number;
  readonly quotaBytes: number;
}

/** Blobs of an agent, whole and in part, under a byte quota: least recently used first out, retained ones never. */
export class PieceCache {
  /** Whether the last process stopped without close(): blobs are `suspect` until verified. */
  declare readonly unclean: boolean;

  /** @throws FolderInUseError */
  static async open(_options: PieceCacheOptions): Promise<PieceCache> {
    throw new Error('not there yet');
  }

  /** Does not count as a use: `touch` or `retain` do. */
  get(_digest: Digest): CachedBlob | undefined {
    throw new Error('not there yet');
  }

  /**
   * Reserves the blob's size, evicting as needed, and makes an empty sparse file; the existing blob when there is one.
   * The caller has checked the signature.
   * @throws BlobTooLargeError above the quota; StoreFullError when retained blobs or the disk leave no room
   */
  async create(_signed: SignedMetainfo): Promise<CachedBlob> {
    throw new Error('not there yet');
  }

  /** Most recently used first; metainfo is loaded as the iteration reaches it. */
  *entries(): Iterable<CachedBlob> {
    yield* [];
  }

  /** Drops a blob, retained or not, without onEvict. False when there was none. */
  remove(_digest: Digest): boolean {
    throw new Error('not there yet');
  }

  /** Keeps the signed bytes of a tag record, at most 64 KiB; the oldest of more than 10,000 goes. */
  putTagRecord(_repository: RepositoryName, _tag: Tag, _bytes: Uint8Array): void {
    throw new Error('not there yet');
  }

  tagRecord(_repository: RepositoryName, _tag: Tag): Uint8Array | undefined {
    throw new Error('not there yet');
  }

  tagRecords(): Iterable<{ repository: RepositoryName; tag: Tag }> {
    throw new Error('not there yet');
  }

  /** Keeps the media type of a manifest, whose blob does not carry it. */
  putMediaType(_digest: Digest, _mediaType: string): void {
    throw new Error('not there yet');
  }

  mediaType(_digest: Digest): string | undefined {
    throw new Error('not there yet');
  }

  stats(): PieceCacheStats {
    throw new Error('not there yet');
  }

  /** Writes bitmaps and order of use, waits until data is on disk, marks the stop as clean. */
  async close(): Promise<void> {
    throw new Error('not there yet');
  }
}
