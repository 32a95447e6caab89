import {
  Bitfield,
  type BlobCut,
  type GrowingCut,
  type Digest,
  InvalidValueError,
  MiB,
  type PieceIndex,
  pieceSpan,
  ShoalError,
  type SignedMetainfo,
} from '@shoal/core';
import { close, closeSync, fstatSync, ftruncateSync, openSync, read, unlinkSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { type BitmapRecord, writeBitmap } from './bitmap-file.ts';
import { type BlobFiles, type BlobPaths, filesOf } from './blob-paths.ts';
import type { CachedBlob, VerifyResult } from './cached-blob.ts';
import { errorCode, fromDiskError } from './errors.ts';
import { readFully } from './open-blobs.ts';
import { PieceHasher } from './piece-hasher.ts';

const readAt = promisify(read);

/** What a blob tells its cache. */
export interface BlobKeeper {
  now(): number;
  /** The blob was used. */
  used(blob: SparseBlob): void;
  /** The first user came, or the last one left. */
  retained(blob: SparseBlob): void;
  /** Its pieces or its order of use are others than on disk. */
  changed(blob: SparseBlob): void;
  /** Its file is gone, though nobody here removed it. */
  lost(blob: SparseBlob): void;
}

/** The order of use is written when it is off by more than this. */
const lastUsedLagMs = 60_000;

/** A CachedBlob in a sparse file. While it is retained its file stays open; otherwise each call opens it. */
export class SparseBlob implements CachedBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly pieceLength: number;
  readonly have: Bitfield;
  /** Absent until it has been read from disk. */
  loaded: SignedMetainfo | undefined;
  /** How a blob is cut whose metainfo no origin has signed yet; nothing about it is written to disk. */
  growing: GrowingCut | undefined;
  /** Kept whatever else wants in; its bitmap on disk remembers it. */
  pinned: boolean;
  /** Written to since the last sync. */
  unsynced = false;
  readonly #paths: BlobPaths;
  readonly #keeper: BlobKeeper;
  /** Claims of the time before an unclean stop. */
  #claimed: Bitfield | undefined;
  #sequence: number;
  #lastUsedMs: number;
  #writtenLastUsedMs: number;
  #fd: number | undefined;
  #users = 0;
  #removed = false;
  #verifying: Promise<VerifyResult> | undefined;

  constructor(digest: Digest, paths: BlobPaths, record: BitmapRecord, keeper: BlobKeeper) {
    this.digest = digest;
    this.#paths = paths;
    this.size = record.size;
    this.pieceLength = record.pieceLength;
    this.have = record.suspect ? new Bitfield(record.claimed.length) : record.claimed;
    this.#claimed = record.suspect && record.claimed.count > 0 ? record.claimed : undefined;
    this.pinned = record.pinned;
    this.#sequence = record.sequence;
    this.#lastUsedMs = record.lastUsedMs;
    this.#writtenLastUsedMs = record.lastUsedMs;
    this.#keeper = keeper;
  }

  /** Made when they are needed: of a blob that is only known they would be most of what it takes. */
  get files(): BlobFiles {
    return filesOf(this.#paths, this.digest);
  }

  get signed(): SignedMetainfo {
    if (!this.loaded) throw new Error(`${this.digest}: metainfo is not loaded`);
    return this.loaded;
  }

  get metainfo(): BlobCut {
    return this.growing ?? this.signed.metainfo;
  }

  get complete(): boolean {
    return this.have.complete;
  }

  get suspect(): boolean {
    return this.#claimed !== undefined;
  }

  get removed(): boolean {
    return this.#removed;
  }

  get retained(): boolean {
    return this.#users > 0;
  }

  get lastUsedMs(): number {
    return this.#lastUsedMs;
  }

  /** An upper bound, by whole pieces. */
  get storedBytes(): number {
    return Math.min(this.size, (this.have.count + (this.#claimed?.count ?? 0)) * this.pieceLength);
  }

  get fd(): number {
    if (this.#fd === undefined) throw new Error(`${this.digest} is not retained`);
    return this.#fd;
  }

  readInto(buffer: Uint8Array, position: number): number {
    return this.#withFile((fd) => readFully(fd, buffer, position));
  }

  writeSync(bytes: Uint8Array, position: number): void {
    if (position < 0 || position + bytes.length > this.size) {
      throw new InvalidValueError('position', `${position} + ${bytes.length}`, `the blob has ${this.size} bytes`);
    }
    this.unsynced = true;
    this.#withFile((fd) => {
      try {
        for (let done = 0; done < bytes.length;)
          done += writeSync(fd, bytes, done, bytes.length - done, position + done);
      } catch (error) {
        throw fromDiskError(error, this.digest);
      }
    });
  }

  markPiece(index: PieceIndex): void {
    this.#claimed?.clear(index);
    // Who writes by the descriptor only says so here.
    this.unsynced = true;
    if (this.have.set(index)) this.#keeper.changed(this);
  }

  unmark(index: PieceIndex): void {
    this.#claimed?.clear(index);
    if (this.have.clear(index)) this.#keeper.changed(this);
  }

  verify(options: { signal?: AbortSignal } = {}): Promise<VerifyResult> {
    this.#verifying ??= this.#verify(options.signal).finally(() => (this.#verifying = undefined));
    return this.#verifying;
  }

  async finish(): Promise<void> {
    if (!this.complete || this.growing) {
      throw new ShoalError(
        'BLOB_INCOMPLETE',
        500,
        `${this.digest} has ${this.have.count} of ${this.have.length} pieces`,
      );
    }
    this.flush();
  }

  retain(): Disposable {
    if (this.#users === 0) this.#fd = this.#openFile();
    if (++this.#users === 1) this.#keeper.retained(this);
    this.touch();
    let released = false;
    return {
      [Symbol.dispose]: () => {
        if (released) return;
        released = true;
        this.#release();
      },
    };
  }

  touch(): void {
    this.#lastUsedMs = this.#keeper.now();
    this.#keeper.used(this);
    if (this.#lastUsedMs - this.#writtenLastUsedMs > lastUsedLagMs) this.#keeper.changed(this);
  }

  /** Whether the order of use on disk is behind. */
  get isBehind(): boolean {
    return this.#lastUsedMs !== this.#writtenLastUsedMs;
  }

  /** Brings the `.pieces` file up to date. @throws StoreFullError */
  flush(): void {
    if (this.#removed || this.growing) return;
    const claimed = this.have.clone();
    for (let index = 0; index < claimed.length; index++) if (this.#claimed?.has(index)) claimed.set(index);
    const { size, pieceLength, suspect, pinned } = this;
    try {
      const sequence = this.#sequence + 1;
      const lastUsedMs = this.#lastUsedMs;
      writeBitmap(this.files.pieces, { sequence, size, pieceLength, lastUsedMs, suspect, pinned, claimed });
    } catch (error) {
      throw fromDiskError(error, this.digest);
    }
    this.#sequence++;
    this.#writtenLastUsedMs = this.#lastUsedMs;
  }

  /** Takes the names away. Resolves when the space is free, or at once while the blob is retained. */
  unlink(): Promise<void> {
    this.#removed = true;
    // Freeing a large file takes long; whoever closes it last does it, here in the thread pool.
    const fd = this.retained ? undefined : ifPresent(() => openSync(this.files.content, 'r'));
    for (const file of [this.files.content, this.files.pieces, this.files.metainfo]) ifPresent(() => unlinkSync(file));
    return fd === undefined ? Promise.resolve() : closed(fd);
  }

  #release(): void {
    if (--this.#users > 0 || this.#fd === undefined) return;
    const fd = this.#fd;
    this.#fd = undefined;
    this.#keeper.retained(this);
    void closed(fd);
  }

  #openFile(): number {
    if (this.#removed) throw this.#goneError();
    const fd = ifPresent(() => openSync(this.files.content, 'r+'));
    if (fd === undefined) {
      this.#keeper.lost(this);
      throw this.#goneError();
    }
    return fd;
  }

  #goneError(): ShoalError {
    return new ShoalError('BLOB_REMOVED', 503, `${this.digest} has left the cache`);
  }

  #withFile<Result>(work: (fd: number) => Result): Result {
    if (this.#fd !== undefined) return work(this.#fd);
    const fd = this.#openFile();
    try {
      return work(fd);
    } finally {
      closeSync(fd);
    }
  }

  async #verify(signal?: AbortSignal): Promise<VerifyResult> {
    const claimed = this.#claimed;
    const result = { verified: 0, verifiedBytes: 0, rejected: 0 };
    if (!claimed) return result;
    using _retained = this.retain();
    if (fstatSync(this.fd).size < this.size) ftruncateSync(this.fd, this.size);
    const buffer = Buffer.allocUnsafeSlow(Math.min(MiB, this.pieceLength));
    for (let index = 0; index < claimed.length; index++) {
      if (!claimed.has(index)) continue;
      const { offset, length } = pieceSpan(this.size, this.pieceLength, index);
      const matches = await this.#matches(index, offset, length, buffer);
      signal?.throwIfAborted();
      if (!claimed.clear(index)) continue;
      if (matches) {
        this.have.set(index);
        result.verified++;
        result.verifiedBytes += length;
      } else {
        result.rejected++;
      }
    }
    this.#claimed = undefined;
    this.#keeper.changed(this);
    return result;
  }

  async #matches(index: PieceIndex, offset: number, length: number, buffer: Buffer): Promise<boolean> {
    const hasher = new PieceHasher();
    for (let done = 0; done < length;) {
      const { bytesRead } = await readAt(this.fd, buffer, 0, Math.min(buffer.length, length - done), offset + done);
      if (bytesRead === 0) return false;
      hasher.update(buffer.subarray(0, bytesRead));
      done += bytesRead;
    }
    return Buffer.compare(hasher.finish(), this.signed.metainfo.pieceHashes[index] ?? new Uint8Array()) === 0;
  }
}

const closed = (fd: number): Promise<void> => new Promise((resolve) => close(fd, () => resolve()));

const ifPresent = <Result>(work: () => Result): Result | undefined => {
  try {
    return work();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};
