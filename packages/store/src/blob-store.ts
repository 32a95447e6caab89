import type { Digest, DigestAlgorithm, PieceLengthPolicy, SignedMetainfo } from '@shoal/core';
import type { SigningKey } from './signing-key.ts';
import type { StoredBlob } from './stored-blob.ts';
import type { UploadStore } from './upload.ts';

export interface BlobStoreOptions {
  readonly folder: string;
  /** How new blobs are cut. */
  readonly policy: PieceLengthPolicy;
  /** Signs the metainfo of blobs whose digest this store has verified. */
  readonly key: SigningKey;
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  /** Unfinished uploads at most; default 10,000. */
  readonly uploadsMax?: number;
  /** A stored blob no longer has its digest (bit rot, tampering) and has been removed. */
  readonly onCorrupt?: (digest: Digest) => void;
}

/** Content-addressed, durable blobs of an origin in one folder. Every method takes parsed digests. */
export class BlobStore {
  declare readonly uploads: UploadStore;

  /** Recovers from a crash, takes the folder. @throws FolderInUseError */
  static async open(_options: BlobStoreOptions): Promise<BlobStore> {
    throw new Error('not there yet');
  }

  /** Blobs that are stored now. */
  get count(): number {
    throw new Error('not there yet');
  }

  async stat(_digest: Digest): Promise<{ size: number } | undefined> {
    throw new Error('not there yet');
  }

  /** Checked against the content's size and this store's key; when missing or wrong, rebuilt by hashing the content. */
  async metainfo(_digest: Digest): Promise<SignedMetainfo | undefined> {
    throw new Error('not there yet');
  }

  async open(_digest: Digest): Promise<StoredBlob | undefined> {
    throw new Error('not there yet');
  }

  /** Small content such as manifests, durable when it resolves. Default algorithm sha256. @throws StoreFullError */
  async put(_bytes: Uint8Array, _algorithm?: DigestAlgorithm): Promise<Digest> {
    throw new Error('not there yet');
  }

  /** False when there was none. Who has it open reads on. */
  async delete(_digest: Digest): Promise<boolean> {
    throw new Error('not there yet');
  }

  /** In no particular order; blobs that come or go meanwhile may be missed. */
  async *list(): AsyncIterable<Digest> {
    yield* [];
  }

  /** Waits for commits that are under way and gives the folder back. Open StoredBlobs stay readable. */
  async close(): Promise<void> {
    throw new Error('not there yet');
  }
}
