import {
  agreesWith,
  Bitfield,
  type BlobCut,
  type Digest,
  encodeMetainfo,
  type GrowingCut,
  InvalidValueError,
  pieceCountOf,
  type RepositoryName,
  ShoalError,
  type SignedMetainfo,
  type Tag,
} from '@shoal/core';
import { closeSync, ftruncateSync, openSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BitmapFlusher } from './bitmap-flusher.ts';
import { BlobPaths } from './blob-paths.ts';
import { loadMetainfo, removeFiles, scanCache } from './cache-scan.ts';
import type { CachedBlob } from './cached-blob.ts';
import { BlobTooLargeError, fromDiskError, StoreFullError } from './errors.ts';
import { makeRoom, sumOf } from './eviction.ts';
import type { CacheListing } from './cache-listing.ts';
import { checkPins } from './pins.ts';
import { FolderLock } from './folder-lock.ts';
import { RecordLog } from './record-log.ts';
import { type BlobKeeper, SparseBlob } from './sparse-blob.ts';

export interface PieceCacheOptions {
  readonly folder: string;
  /** Bytes of all blobs together, by their full sizes; never exceeded. */
  readonly quotaBytes: number;
  /** Fraction of the quota above which eviction starts; default 0.95. */
  readonly highWater?: number;
  /** Fraction of the quota down to which it goes; default 0.85. */
  readonly lowWater?: number;
  /** Blobs at most; default 100,000. */
  readonly blobsMax?: number;
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
  /** A blob's files were unreadable, not trusted or gone, and it has been dropped. */
  onDropped?(digest: Digest, reason: string): void;
}

export interface PieceCacheStats {
  /** Full sizes of all blobs, complete or not. */
  readonly bytes: number;
  readonly blobs: number;
  /** Since open. */
  readonly evictions: number;
  readonly quotaBytes: number;
}

const lowWaterDefault = 0.85;

/**
 * Blobs of an agent, whole and in part, under a byte quota: least recently used first out, retained and pinned ones never.
 * Nothing is synced before close: what a power loss takes is fetched again.
 *
 * | path | what it is | written |
 * |---|---|---|
 * | `running` | the living owner; left over: the last stop was unclean, all bitmaps are suspect | at open, removed by close |
 * | `blobs/<algorithm>/<2 hex>/<hex>` | sparse content of the blob's full size | in place |
 * | `blobs/<algorithm>/<2 hex>/<hex>.meta` | signed metainfo (encodeMetainfo) | once |
 * | `blobs/<algorithm>/<2 hex>/<hex>.pieces` | bitmap, size, last use (bitmap-file.ts) | in place, in two slots, up to a second late |
 * | `records/tags`, `records/media-types` | RecordLog | appended |
 */
export class PieceCache {
  /** Whether the last process stopped without close(): blobs are `suspect` until verified. */
  readonly unclean: boolean;
  readonly #options: PieceCacheOptions;
  readonly #lock: FolderLock;
  readonly #paths: BlobPaths;
  /** Least recently used first. */
  readonly #blobs = new Map<Digest, SparseBlob>();
  /** Of these the incomplete ones, and those in use or pinned: sums go over them alone, however many are known. */
  readonly #partial = new Set<SparseBlob>();
  readonly #staying = new Set<SparseBlob>();
  readonly #flusher = new BitmapFlusher();
  readonly #keeper: BlobKeeper;
  readonly #tags: RecordLog;
  readonly #mediaTypes: RecordLog;
  #bytes = 0;
  #evictions = 0;

  private constructor(options: PieceCacheOptions, lock: FolderLock, paths: BlobPaths) {
    this.unclean = lock.unclean;
    this.#options = options;
    this.#lock = lock;
    this.#paths = paths;
    this.#tags = new RecordLog(join(options.folder, 'records', 'tags'));
    this.#mediaTypes = new RecordLog(join(options.folder, 'records', 'media-types'));
    this.#keeper = {
      now: options.clock ?? Date.now,
      used: (blob) => {
        if (this.#blobs.get(blob.digest) !== blob) return;
        this.#blobs.delete(blob.digest);
        this.#blobs.set(blob.digest, blob);
      },
      retained: (blob) => this.#sort(blob),
      changed: (blob) => {
        this.#sort(blob);
        this.#flusher.changed(blob);
      },
      lost: (blob) => this.#drop(blob, 'its file is gone'),
    };
  }

  /** @throws FolderInUseError */
  static async open(options: PieceCacheOptions): Promise<PieceCache> {
    const lock = await FolderLock.acquire(options.folder);
    const paths = new BlobPaths(options.folder);
    const cache = new PieceCache(options, lock, paths);
    const found = [...scanCache(paths, lock.unclean)];
    for (const { digest, record } of found.toSorted((a, b) => a.record.lastUsedMs - b.record.lastUsedMs)) {
      cache.#add(new SparseBlob(digest, paths, record, cache.#keeper));
    }
    // The quota may be smaller than last time.
    await cache.#reserve(0, 0);
    return cache;
  }

  /** Does not count as a use: `touch` or `retain` do. */
  get(digest: Digest): CachedBlob | undefined {
    const blob = this.#blobs.get(digest);
    return blob && !blob.growing ? this.#load(blob) : undefined;
  }

  /**
   * Reserves the blob's size, evicting as needed, and makes an empty sparse file; the existing blob when there is one.
   * The caller has checked the signature.
   * @throws BlobTooLargeError above the quota; StoreFullError when retained blobs or the disk leave no room
   */
  async create(signed: SignedMetainfo): Promise<CachedBlob> {
    return this.#existing(signed) ?? this.#create(signed.metainfo, signed, undefined);
  }

  /**
   * As `create`, for a blob of which no origin has signed metainfo yet. Neither `get` nor `entries` show it and nothing of it
   * outlives the process, until `confirm`. One that was there before is dropped.
   */
  createGrowing(cut: GrowingCut): Promise<CachedBlob> {
    this.remove(cut.digest);
    return this.#create(cut, undefined, cut);
  }

  /**
   * Metainfo that an origin signed has come for a growing blob: it is one like any other from now on.
   * @throws InvalidValueError when it is not the metainfo of the pieces that were accepted
   */
  confirm(blob: CachedBlob, signed: SignedMetainfo): void {
    const growing = this.#blobs.get(blob.digest);
    if (growing !== blob || !growing.growing) return;
    if (!agreesWith(growing.growing, signed.metainfo))
      throw new InvalidValueError('metainfo', blob.digest, 'the hashes that the pieces were checked against');
    writeFileSync(growing.files.metainfo, encodeMetainfo(signed));
    growing.loaded = signed;
    growing.growing = undefined;
    growing.flush();
  }

  async #create(
    cut: BlobCut,
    signed: SignedMetainfo | undefined,
    growing: GrowingCut | undefined,
  ): Promise<CachedBlob> {
    const { digest, size, pieceLength } = cut;
    const freed = this.#reserve(size, this.#diskShortBytes(size));
    const claimed = new Bitfield(pieceCountOf(size, pieceLength));
    const fresh = { sequence: -1, lastUsedMs: this.#keeper.now(), suspect: false, pinned: false };
    const blob = new SparseBlob(digest, this.#paths, { ...fresh, size, pieceLength, claimed }, this.#keeper);
    blob.loaded = signed;
    blob.growing = growing;
    try {
      this.#paths.shard(digest);
      if (signed) writeFileSync(blob.files.metainfo, encodeMetainfo(signed));
      const fd = openSync(blob.files.content, 'w');
      ftruncateSync(fd, size);
      closeSync(fd);
      blob.flush();
    } catch (error) {
      removeFiles(blob.files);
      throw fromDiskError(error, digest);
    }
    this.#add(blob);
    await freed;
    return blob;
  }

  /** Most recently used first; metainfo is loaded as the iteration reaches it. */
  *entries(): Iterable<CachedBlob> {
    for (const blob of [...this.#blobs.values()].toReversed()) {
      if (!blob.removed && !blob.growing && this.#load(blob)) yield blob;
    }
  }

  /** What is there, most recently used first, without reading anything from disk; growing blobs too. */
  *listing(): Iterable<CacheListing> {
    for (const blob of [...this.#blobs.values()].toReversed()) {
      const { digest, size, have, complete, suspect, lastUsedMs, pinned, retained } = blob;
      yield {
        digest,
        size,
        have: have.count,
        pieces: have.length,
        complete,
        suspect,
        lastUsedMs,
        pinned,
        inUse: retained,
      };
    }
  }

  /**
   * Keeps blobs, whole or in part, from being evicted, or no longer; it outlives restarts. All of them or none. Gives those
   * that were not so before. @throws ShoalError NOT_CACHED; PINS_FULL when eviction would be left with too little
   */
  pin(digests: Iterable<Digest>, pinned: boolean): Digest[] {
    const blobs = [...new Set(digests)].map((digest) => {
      const blob = this.#blobs.get(digest);
      if (blob && !blob.growing) return blob;
      throw new ShoalError('NOT_CACHED', 404, `${digest} is not in the cache`);
    });
    const changed = blobs.filter((blob) => blob.pinned !== pinned);
    const { quotaBytes, lowWater = lowWaterDefault } = this.#options;
    if (pinned) checkPins(this.pinnedBytes + changed.reduce((sum, { size }) => sum + size, 0), quotaBytes, lowWater);
    for (const blob of changed) {
      blob.pinned = pinned;
      this.#sort(blob);
      blob.flush();
    }
    return changed.map(({ digest }) => digest);
  }

  get pinnedBytes(): number {
    return sumOf(this.#staying, ({ size, pinned }) => (pinned ? size : 0));
  }

  /** Drops a blob unless it is pinned or somebody reads it or writes to it. */
  discard(digest: Digest): 'removed' | 'absent' | 'pinned' | 'in use' {
    const blob = this.#blobs.get(digest);
    if (!blob) return 'absent';
    if (blob.pinned) return 'pinned';
    if (blob.retained) return 'in use';
    void this.#unlink(blob);
    return 'removed';
  }

  /** Drops a blob, retained or not, without onEvict. False when there was none. */
  remove(digest: Digest): boolean {
    const blob = this.#blobs.get(digest);
    if (blob) void this.#unlink(blob);
    return blob !== undefined;
  }

  /**
   * Keeps the signed bytes of a tag record, at most 64 KiB; of more than 10,000 the one put longest ago goes.
   * @throws StoreFullError; the record is then kept in memory only
   */
  putTagRecord(repository: RepositoryName, tag: Tag, bytes: Uint8Array): void {
    this.#tags.put(`${repository}:${tag}`, bytes);
  }

  tagRecord(repository: RepositoryName, tag: Tag): Uint8Array | undefined {
    return this.#tags.get(`${repository}:${tag}`);
  }

  *tagRecords(): Iterable<{ repository: RepositoryName; tag: Tag }> {
    for (const key of this.#tags.keys()) {
      const colon = key.indexOf(':');
      yield { repository: key.slice(0, colon) as RepositoryName, tag: key.slice(colon + 1) as Tag };
    }
  }

  /** Keeps the media type of a manifest, whose blob does not carry it. Bounded as tag records. @throws StoreFullError */
  putMediaType(digest: Digest, mediaType: string): void {
    this.#mediaTypes.put(digest, Buffer.from(mediaType));
  }

  mediaType(digest: Digest): string | undefined {
    const bytes = this.#mediaTypes.get(digest);
    return bytes && Buffer.from(bytes).toString();
  }

  stats(): PieceCacheStats {
    return {
      bytes: this.#bytes,
      blobs: this.#blobs.size,
      evictions: this.#evictions,
      quotaBytes: this.#options.quotaBytes,
    };
  }

  /** Writes bitmaps and order of use, waits until data is on disk, marks the stop as clean. */
  async close(): Promise<void> {
    for (const blob of [...this.#blobs.values()]) if (blob.growing) this.remove(blob.digest);
    // Without the release the next start finds an unclean stop, which is the truth when something was not written.
    if (await this.#flusher.stop(this.#blobs.values())) await this.#lock.release();
  }

  #add(blob: SparseBlob): void {
    this.#blobs.set(blob.digest, blob);
    this.#bytes += blob.size;
    this.#sort(blob);
  }

  #sort(blob: SparseBlob): void {
    const isKnown = this.#blobs.get(blob.digest) === blob;
    this.#partial[isKnown && !blob.complete ? 'add' : 'delete'](blob);
    this.#staying[isKnown && (blob.retained || blob.pinned) ? 'add' : 'delete'](blob);
  }

  #load(blob: SparseBlob): SparseBlob | undefined {
    if (blob.loaded) return blob;
    const signed = loadMetainfo(blob.files.metainfo, blob.digest);
    const isOfBlob = signed?.metainfo.size === blob.size && signed.metainfo.pieceLength === blob.pieceLength;
    if (!signed || !isOfBlob) return this.#drop(blob, 'its metainfo is unreadable');
    if (this.#options.trusts?.(signed) === false) return this.#drop(blob, 'its metainfo is not trusted');
    blob.loaded = signed;
    return blob;
  }

  #drop(blob: SparseBlob, reason: string): undefined {
    if (this.#blobs.get(blob.digest) !== blob) return;
    void this.#unlink(blob);
    this.#options.events?.onDropped?.(blob.digest, reason);
  }

  #unlink(blob: SparseBlob): Promise<void> {
    if (this.#blobs.delete(blob.digest)) this.#bytes -= blob.size;
    this.#sort(blob);
    return blob.unlink();
  }

  /** A part of a blob that is cut otherwise by now finds no peers, so it makes room. */
  #existing({ metainfo }: SignedMetainfo): CachedBlob | undefined {
    const blob = this.#blobs.get(metainfo.digest);
    if (blob?.growing) this.remove(blob.digest);
    if (!blob || blob.growing || !this.#load(blob)) return undefined;
    if (blob.pieceLength !== metainfo.pieceLength && !blob.complete && !blob.retained) {
      void this.#unlink(blob);
      return undefined;
    }
    blob.touch();
    return blob;
  }

  /** Evicts until `size` more bytes fit; resolves when the disk has the space back. */
  #reserve(size: number, diskShortBytes: number): Promise<unknown> {
    const { quotaBytes, highWater = 0.95, lowWater = lowWaterDefault, blobsMax = 100_000 } = this.#options;
    const decision = makeRoom({
      size,
      bytes: this.#bytes,
      retainedBytes: sumOf(this.#staying, ({ size: bytes }) => bytes),
      quotaBytes,
      highWater,
      lowWater,
      diskShortBytes,
      blobsOver: this.#blobs.size + 1 - blobsMax,
      candidates: this.#blobs.values().filter((blob) => !this.#staying.has(blob)),
    });
    switch (decision.kind) {
      case 'tooLarge':
        throw new BlobTooLargeError(size, quotaBytes);
      case 'retained':
        throw new StoreFullError(`the cache has no room for ${size} bytes beside the blobs that are in use or pinned`);
      case 'diskFull':
        throw new StoreFullError(`the disk has no room for ${size} bytes`);
      case 'room':
        return Promise.all(decision.victims.map((blob) => this.#evict(blob)));
    }
  }

  #evict(blob: SparseBlob): Promise<void> {
    this.#blobs.delete(blob.digest);
    this.#bytes -= blob.size;
    this.#sort(blob);
    this.#evictions++;
    this.#options.events?.onEvict?.(blob);
    return blob.unlink();
  }

  /** What the disk lacks for `size` more bytes, for what other blobs still have to get, and for the free minimum. */
  #diskShortBytes(size: number): number {
    const { bavail, bsize } = statfsSync(this.#options.folder);
    const promised = sumOf(this.#partial, ({ size, storedBytes }) => size - storedBytes);
    return size + promised + (this.#options.diskFreeBytesMin ?? 0) - bavail * bsize;
  }
}
