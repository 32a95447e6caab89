import type { Digest, RepositoryName, SignedMetainfo } from '@shoal/core';

/**
 * A blob on its way in. One writer at a time: a second append, or a commit during an append, is refused with
 * OciError BLOB_UPLOAD_INVALID (409). After commit, cancel, expiry or a failed write every method throws
 * BLOB_UPLOAD_UNKNOWN.
 */
export interface Upload {
  readonly id: string;
  readonly repository: RepositoryName;
  /** Bytes kept so far; what the next append's offset must be. */
  readonly size: number;

  /**
   * Writes and hashes the chunks in order, in bounded memory; a chunk may be reused once the next one is asked for.
   * When `chunks` throws (the client is gone) what has arrived is kept, `size` tells how much, and the error is rethrown.
   * @throws OciError BLOB_UPLOAD_INVALID 416 when `offset` is not `size`; SIZE_INVALID 413 after `bytesMax` bytes
   *   of this append (those are kept); StoreFullError when the disk is full: the upload is discarded to give back its space
   */
  append(chunks: AsyncIterable<Uint8Array>, options?: AppendOptions): Promise<void>;

  /**
   * Makes the upload the blob `digest`: when it resolves, the blob survives kill -9 and power loss.
   * Content that is already there is replaced, which repairs it when the disk has damaged it.
   * @throws OciError DIGEST_INVALID when the bytes have another digest; StoreFullError. Either way the upload is discarded.
   */
  commit(digest: Digest): Promise<SignedMetainfo>;

  /** Discards the upload. A running append fails with BLOB_UPLOAD_UNKNOWN. Idempotent. */
  cancel(): Promise<void>;
}

export interface AppendOptions {
  /** The byte at which the chunks begin; absent: at the end. */
  readonly offset?: number;
  /** Most bytes this append takes. */
  readonly bytesMax?: number;
}

/** Unfinished uploads of an origin; they survive a restart. */
export interface UploadStore {
  /** Uploads that exist now. */
  readonly count: number;

  /** @throws OciError TOOMANYREQUESTS at the bound of unfinished uploads; StoreFullError */
  create(repository: RepositoryName): Promise<Upload>;

  /** Undefined when there is no such upload in this repository; an id of any shape is safe. */
  get(id: string, repository: RepositoryName): Promise<Upload | undefined>;

  /** Discards uploads without an append for that long; answers how many. One that is being appended to stays. */
  expire(olderThanMs: number): Promise<number>;
}
