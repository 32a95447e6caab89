import type { Bitfield, BlobCut, Digest, GrowingCut, SignedMetainfo } from '@shoal/core';

/**
 * A blob of an agent's cache: a sparse file of the blob's size and the pieces that are in it.
 *
 * After an unclean stop nothing the bitmap claims counts as held: `have` is empty and `suspect` true until
 * `verify()` has hashed the claimed pieces. Who does not wait for it fetches pieces again but never serves a wrong one.
 */
export interface CachedBlob {
  readonly digest: Digest;
  readonly size: number;
  readonly pieceLength: number;
  /** @throws Error while the blob is a cold one that no origin has signed (PieceCache.createGrowing) */
  readonly signed: SignedMetainfo;
  /** That of `signed`, or how a cold blob is cut. */
  readonly metainfo: BlobCut;
  /** Of a cold blob, until PieceCache.confirm. */
  readonly growing: GrowingCut | undefined;
  /** Verified pieces. Read only: `markPiece` and `unmark` change it. */
  readonly have: Bitfield;
  /** All pieces are in `have`. */
  readonly complete: boolean;
  /** Pieces are claimed from before an unclean stop and not hashed again yet. */
  readonly suspect: boolean;
  /** Never evicted. */
  readonly pinned: boolean;
  /** Evicted or removed: no longer in the cache; reads and writes go to a file without a name. */
  readonly removed: boolean;
  readonly lastUsedMs: number;
  /** The file descriptor, for positioned reads (sendfile); valid while the blob is retained. */
  readonly fd: number;

  /** pread: fills `buffer` from byte `position`; answers the bytes read. Whether they are verified, `have` tells. */
  readInto(buffer: Uint8Array, position: number): number;

  /** pwrite of all the bytes. @throws StoreFullError when the disk is full; InvalidValueError outside the blob */
  writeSync(bytes: Uint8Array, position: number): void;

  /** The piece's bytes are written and match its hash. The bitmap on disk follows within a second. */
  markPiece(index: number): void;

  unmark(index: number): void;

  /**
   * Hashes the claimed pieces; those that match enter `have`. Concurrent calls share one pass. At once when nothing
   * is suspect. Between slices of 1 MiB the event loop runs.
   */
  verify(options?: { signal?: AbortSignal }): Promise<VerifyResult>;

  /** Writes the bitmap of a complete blob now. @throws ShoalError BLOB_INCOMPLETE when a piece is missing */
  finish(): Promise<void>;

  /** Pins the blob against eviction until disposed: readers, uploads, downloads. Counts as a use. */
  retain(): Disposable;

  /** Marks the blob as the most recently used. */
  touch(): void;
}

/** Pieces, and bytes of them, that were claimed and matched; pieces that did not match. */
export interface VerifyResult {
  readonly verified: number;
  readonly verifiedBytes: number;
  readonly rejected: number;
}
