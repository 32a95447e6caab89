import {
  type Digest,
  type DigestAlgorithm,
  digestOf,
  type Metainfo,
  type PieceLengthPolicy,
  type SignedMetainfo,
} from '@shoal/core';
import { createHash, randomUUID } from 'node:crypto';
import { rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BlobPaths } from './blob-paths.ts';
import { recoverBlobs, temporaryFolder } from './blob-recovery.ts';
import { disk } from './disk.ts';
import { errorCode, fromDiskError } from './errors.ts';
import { FolderLock } from './folder-lock.ts';
import { GrowingBlob } from './growing-blob.ts';
import { KeyedLock } from './keyed-lock.ts';
import { OpenBlobs } from './open-blobs.ts';
import type { SigningKey } from './signing-key.ts';
import type { StoredBlob } from './stored-blob.ts';
import { hashContent, StoredMetainfo } from './stored-metainfo.ts';
import { TreeHasher } from './tree-hasher.ts';
import { UploadFolder } from './upload-folder.ts';
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

/**
 * Content-addressed, durable blobs of an origin in one folder. Every method takes parsed digests.
 *
 * | path | what it is | written |
 * |---|---|---|
 * | `running` | the living owner; left over: the last stop was unclean | at open, removed by close |
 * | `blobs/<algorithm>/<2 hex>/<hex>` | content; there only when its digest has been verified and its bytes are on the medium | renamed into place |
 * | `blobs/<algorithm>/<2 hex>/<hex>.meta` | signed metainfo (encodeMetainfo); there before the content, rebuilt when missing or wrong | renamed into place |
 * | `uploads/<uuid>/data` | bytes of an unfinished upload; the file's size is the upload's, its mtime the last append | appended |
 * | `uploads/<uuid>/upload.json` | repository of the upload; without it the upload is a leftover | at creation |
 * | `tmp/` | files on their way into `blobs`; emptied at open | synced, then renamed away |
 */
export class BlobStore {
  readonly uploads: UploadStore;
  readonly #options: BlobStoreOptions;
  readonly #paths: BlobPaths;
  readonly #metainfo: StoredMetainfo;
  readonly #lock: FolderLock;
  readonly #open = new OpenBlobs();
  /** One commit, delete or rebuild of a digest at a time. */
  readonly #byDigest = new KeyedLock<Digest>();
  #count: number;

  private constructor(
    options: BlobStoreOptions,
    lock: FolderLock,
    paths: BlobPaths,
    found: { blobs: number; uploads: number },
  ) {
    this.#options = options;
    this.#lock = lock;
    this.#paths = paths;
    this.#count = found.blobs;
    this.#metainfo = new StoredMetainfo(paths, options.key);
    this.uploads = new UploadFolder({
      folder: join(options.folder, 'uploads'),
      policy: options.policy,
      clock: options.clock ?? Date.now,
      uploadsMax: options.uploadsMax ?? 10_000,
      count: found.uploads,
      place: (file, metainfo) => this.#place(file, metainfo),
    });
  }

  /** Recovers from a crash, takes the folder. @throws FolderInUseError */
  static async open(options: BlobStoreOptions): Promise<BlobStore> {
    const lock = await FolderLock.acquire(options.folder);
    const paths = new BlobPaths(options.folder);
    return new BlobStore(options, lock, paths, await recoverBlobs(options.folder, paths));
  }

  /** Blobs that are stored now. */
  get count(): number {
    return this.#count;
  }

  async stat(digest: Digest): Promise<{ size: number } | undefined> {
    const size = await sizeOf(this.#paths.content(digest));
    return size === undefined ? undefined : { size };
  }

  /** Checked against the content's size and this store's key; when missing or wrong, rebuilt by hashing the content. */
  async metainfo(digest: Digest): Promise<SignedMetainfo | undefined> {
    return this.#metainfo.cached(digest) ?? this.#byDigest.run(digest, () => this.#load(digest));
  }

  async open(digest: Digest): Promise<StoredBlob | undefined> {
    const signed = await this.metainfo(digest);
    return signed && this.#open.acquire(digest, this.#paths.content(digest), signed);
  }

  /** Small content such as manifests, durable when it resolves. Default algorithm sha256. @throws StoreFullError */
  async put(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Promise<Digest> {
    const tree = new TreeHasher();
    tree.update(bytes);
    const digest = digestOf(algorithm, createHash(algorithm).update(bytes).digest());
    const file = join(temporaryFolder(this.#options.folder), randomUUID());
    try {
      await disk.writeFileSynced(file, bytes);
      await this.#place(file, { ...tree.finish(this.#options.policy).metainfo, digest });
    } catch (error) {
      throw fromDiskError(error, `storing ${digest}`);
    } finally {
      await rm(file, { force: true });
    }
    return digest;
  }

  /** A blob whose bytes come one after the other and are read meanwhile. @throws StoreFullError */
  grow(digest: Digest, size: number | undefined): Promise<GrowingBlob> {
    const { folder, policy } = this.#options;
    const file = join(temporaryFolder(folder), randomUUID());
    return GrowingBlob.create({ digest, size, policy, file, place: (metainfo) => this.#place(file, metainfo) });
  }

  /** False when there was none. Who has it open reads on. */
  delete(digest: Digest): Promise<boolean> {
    return this.#byDigest.run(digest, () => this.#remove(digest));
  }

  /** In no particular order; blobs that come or go meanwhile may be missed. */
  async *list(): AsyncIterable<Digest> {
    for (const shard of this.#paths.shards()) {
      for (const { digest, suffixes } of shard) if (suffixes.has('')) yield digest;
    }
  }

  /** Waits for commits that are under way and gives the folder back. Open StoredBlobs stay readable. */
  async close(): Promise<void> {
    await this.#byDigest.idle();
    await this.#lock.release();
  }

  /**
   * Makes a file of verified bytes the content of its digest, also where there is content already: a push repairs
   * bytes that the disk has damaged, for those as well who have the blob open. The order is what makes it safe: bytes
   * and metainfo reach the medium, then their names, and only then the caller hears of it.
   */
  #place(file: string, metainfo: Metainfo): Promise<SignedMetainfo> {
    const { digest } = metainfo;
    return this.#byDigest.run(digest, async () => {
      const content = this.#paths.content(digest);
      const shard = await this.#paths.durableShard(digest);
      const isNew = (await sizeOf(content)) === undefined;
      // Metainfo that stands is kept: under a policy that has changed since, the blob would be in another swarm.
      const known = await this.#intact(digest);
      const { signed, bytes } = known ? { signed: known } : this.#metainfo.sign(metainfo);
      await Promise.all([disk.syncFile(file), bytes && this.#writeMetainfo(digest, bytes)]);
      await disk.rename(file, content);
      await Promise.all([disk.syncFolder(shard), disk.syncFolder(dirname(file))]);
      this.#metainfo.remember(signed);
      if (isNew) this.#count++;
      this.#open.replaced(digest, content);
      if (!known) this.#open.forget(digest);
      return signed;
    });
  }

  /** The name reaches the medium with the next sync of the shard. */
  async #writeMetainfo(digest: Digest, bytes: Uint8Array): Promise<void> {
    const temporary = join(temporaryFolder(this.#options.folder), randomUUID());
    try {
      await disk.writeFileSynced(temporary, bytes);
      await disk.rename(temporary, this.#paths.metainfo(digest));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
  }

  /** Metainfo of content that is there, without hashing it. */
  async #intact(digest: Digest): Promise<SignedMetainfo | undefined> {
    const size = await sizeOf(this.#paths.content(digest));
    return size === undefined ? undefined : this.#metainfo.read(digest, size);
  }

  async #load(digest: Digest): Promise<SignedMetainfo | undefined> {
    const signed = (await this.#intact(digest)) ?? (await this.#rebuild(digest));
    if (signed) this.#metainfo.remember(signed);
    return signed;
  }

  async #rebuild(digest: Digest): Promise<SignedMetainfo | undefined> {
    const content = this.#paths.content(digest);
    if ((await sizeOf(content)) === undefined) return undefined;
    const metainfo = await hashContent(content, digest, this.#options.policy);
    if (!metainfo) {
      await this.#remove(digest);
      this.#options.onCorrupt?.(digest);
      return undefined;
    }
    const { signed, bytes } = this.#metainfo.sign(metainfo);
    await this.#writeMetainfo(digest, bytes);
    await disk.syncFolder(dirname(this.#paths.content(digest)));
    return signed;
  }

  /** Content first: metainfo without content is harmless, the other way round costs a rebuild. */
  async #remove(digest: Digest): Promise<boolean> {
    this.#metainfo.forget(digest);
    this.#open.forget(digest);
    if ((await sizeOf(this.#paths.content(digest))) === undefined) return false;
    await unlink(this.#paths.content(digest));
    this.#count--;
    await rm(this.#paths.metainfo(digest), { force: true });
    await disk.syncFolder(dirname(this.#paths.content(digest)));
    return true;
  }
}

const sizeOf = async (file: string): Promise<number | undefined> => {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};
