import { type Digest, OciError, type RepositoryName } from '@shoal/core';
import type { BlobStore, GrowingBlob, StoredBlob, Upload } from '@shoal/store';
import type { Catalog } from './catalog/catalog.ts';
import { KeyedLock } from './catalog/keyed-lock.ts';
import { type BlobLink, blobLinks, isKept, type ManifestLink, type Repository } from './catalog/repository.ts';
import { readWhole } from './read-whole.ts';

export interface ContentEvents {
  /** New or known content was linked by a repository: it can be seeded. */
  contentLinked(digest: Digest): Promise<void>;
  /** No repository links the content any more; it is deleted from the store next. */
  contentDropped(digest: Digest): Promise<void>;
  /** A repository holds a blob from now on. */
  blobLinked?(name: RepositoryName, digest: Digest, size: number): void;
  /** Somebody reads it. */
  contentUsed?(digest: Digest): void;
}

/** How exactly the last use of a blob is written down. */
const renewEveryMs = 60_000;

/**
 * Bytes and links together. Content is stored once and belongs to the repositories that link it; with its last
 * link it goes. Storing and linking happen under one lock a digest, so that a push never links what a delete
 * takes away at the same moment.
 */
export class Content {
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
  readonly #events: ContentEvents;
  readonly #locks = new KeyedLock();

  constructor(blobs: BlobStore, catalog: Catalog, events: ContentEvents) {
    this.blobs = blobs;
    this.catalog = catalog;
    this.#events = events;
  }

  /** Finishes an upload as a blob of its repository, which comes into being with it. @throws OciError DIGEST_INVALID */
  async commitBlob(upload: Upload, digest: Digest, link: BlobLink = 'pushed'): Promise<void> {
    await this.#locks.run(digest, async () => {
      await upload.commit(digest);
      try {
        await this.#link(await this.catalog.ensure(upload.repository), 'blobs', digest, blobLinks[link]);
      } catch (error) {
        // A disk that is full between the two: nobody could reach the bytes, nor free their space.
        await this.#dropUnlinked(digest);
        throw error;
      }
    });
  }

  /**
   * Verifies a blob that has arrived and links it in the repositories; one that is added meanwhile counts.
   * @throws OciError DIGEST_INVALID, SIZE_INVALID; StoreFullError
   */
  async commitGrowing(blob: GrowingBlob, repositories: ReadonlySet<RepositoryName>): Promise<void> {
    const { digest } = blob;
    await this.#locks.run(digest, async () => {
      await blob.commit();
      try {
        for (const name of repositories)
          await this.#link(await this.catalog.ensure(name), 'blobs', digest, blobLinks.pushed);
      } catch (error) {
        await this.#dropUnlinked(digest);
        throw error;
      }
    });
  }

  /**
   * Deletes content that no repository links: a crash between storing and linking, or between unlinking and
   * deleting, leaves such. Gives how many; nothing is deleted as long as there is no repository at all, because then
   * their folder rather is missing.
   */
  async deleteUnlinked(): Promise<number> {
    let deleted = 0;
    if (this.catalog.isEmpty) return deleted;
    for await (const digest of this.blobs.list()) {
      if (!this.catalog.isLinked(digest) && (await this.#locks.run(digest, () => this.#dropUnlinked(digest))))
        deleted++;
    }
    return deleted;
  }

  /** Links a blob that another repository holds. Without `from`, any will do. False when none holds it. */
  async mountBlob(name: RepositoryName, digest: Digest, from: RepositoryName | undefined): Promise<boolean> {
    return this.#locks.run(digest, async () => {
      const held = from === undefined ? this.catalog.isLinked(digest) : await this.catalog.get(from)?.blobs.has(digest);
      if (!held || !(await this.blobs.stat(digest))) return false;
      await this.#link(await this.catalog.ensure(name), 'blobs', digest, blobLinks.pushed);
      return true;
    });
  }

  /** Stores a manifest whose digest the caller has checked and links it. */
  async putManifest(repository: Repository, digest: Digest, bytes: Uint8Array, mediaType: string): Promise<void> {
    const link: ManifestLink = { mediaType, size: bytes.length };
    await this.#locks.run(digest, async () => {
      await this.blobs.put(bytes, digest.startsWith('sha512:') ? 'sha512' : 'sha256');
      try {
        await this.#link(repository, 'manifests', digest, Buffer.from(JSON.stringify(link)));
      } catch (error) {
        await this.#dropUnlinked(digest);
        throw error;
      }
    });
  }

  /** False when the repository does not link it. */
  async unlink(repository: Repository, kind: 'blobs' | 'manifests', digest: Digest): Promise<boolean> {
    return this.#locks.run(digest, async () => {
      if (!(await repository[kind].delete(digest))) return false;
      this.catalog.countLink(digest, -1);
      await this.#dropUnlinked(digest);
      return true;
    });
  }

  /** Unlinks what was neither linked again nor asked for since `beforeMs`, and is not to be kept for its own sake. */
  async unlinkUnused(
    repository: Repository,
    kind: 'blobs' | 'manifests',
    digest: Digest,
    beforeMs: number,
  ): Promise<'used' | 'kept' | 'unlinked' | 'deleted'> {
    return this.#locks.run(digest, async () => {
      const links = repository[kind];
      const bytes = await links.get(digest);
      if (kind === 'blobs' && isKept(bytes)) return 'kept';
      if (!bytes || (await links.usedMs(digest)) > beforeMs) return 'used';
      await links.delete(digest);
      this.catalog.countLink(digest, -1);
      return (await this.#dropUnlinked(digest)) ? 'deleted' : 'unlinked';
    });
  }

  /**
   * A blob of a repository, opened. Whoever asks for it, by HEAD too, may go on to name it in a manifest: this counts as
   * a use. @throws OciError BLOB_UNKNOWN, NAME_UNKNOWN
   */
  async openBlob(name: RepositoryName, digest: Digest): Promise<StoredBlob> {
    const { blobs } = this.catalog.require(name);
    const usedMs = await blobs.usedMs(digest);
    const isFresh = Date.now() - usedMs < renewEveryMs;
    const linked = usedMs > 0 && (isFresh || (await this.#locks.run(digest, () => blobs.touch(digest))));
    return this.#open(linked, name, digest);
  }

  /** A blob or a manifest of a repository, opened. @throws OciError BLOB_UNKNOWN, NAME_UNKNOWN */
  async openAny(name: RepositoryName, digest: Digest): Promise<StoredBlob> {
    const linked = await this.catalog.require(name).holds(digest);
    return this.#open(linked, name, digest);
  }

  /** Somebody asks for it, however it is sent then. */
  used(digest: Digest): void {
    this.#events.contentUsed?.(digest);
  }

  /** All bytes of a manifest; undefined when the store lost it. */
  readManifest(digest: Digest): Promise<Uint8Array | undefined> {
    return readWhole(this.blobs, digest, Infinity);
  }

  /** Callers hold the digest's lock. */
  async #dropUnlinked(digest: Digest): Promise<boolean> {
    if (this.catalog.isLinked(digest)) return false;
    await this.#events.contentDropped(digest);
    return this.blobs.delete(digest);
  }

  async #open(linked: boolean, name: RepositoryName, digest: Digest): Promise<StoredBlob> {
    const blob = linked ? await this.blobs.open(digest) : undefined;
    if (!blob) throw new OciError('BLOB_UNKNOWN', `repository ${name} has no blob ${digest}`);
    this.used(digest);
    return blob;
  }

  async #link(repository: Repository, kind: 'blobs' | 'manifests', digest: Digest, bytes: Uint8Array): Promise<void> {
    const known = await repository[kind].get(digest);
    if (known && (Buffer.compare(known, bytes) === 0 || isKept(known)))
      return void (await repository[kind].touch(digest));
    await repository[kind].put(digest, bytes);
    if (!known) this.catalog.countLink(digest, 1);
    if (!known && kind === 'blobs')
      this.#events.blobLinked?.(repository.name, digest, (await this.blobs.stat(digest))?.size ?? 0);
    await this.#events.contentLinked(digest);
  }
}
