import type { Digest, ManifestReference, RepositoryName } from '@shoal/core';
import {
  type BlobSource,
  bodiless,
  type ReadContext,
  type ReadRegistry,
  type ServedManifest,
  type ServedReferrers,
  type TagPage,
} from '@shoal/registry';
import type { StoredBlob } from '@shoal/store';
import type { ColdBlobs } from './cold/cold-blobs.ts';
import type { Content } from './content.ts';
import { manifestUnknown } from './manifest/manifests.ts';

/** What the origin answers to pulls: from its own store, and what it does not have as it arrives. */
export class OriginReadRegistry implements ReadRegistry {
  readonly #content: Content;
  readonly #cold: ColdBlobs;

  constructor(content: Content, cold: ColdBlobs) {
    this.#content = content;
    this.#cold = cold;
  }

  async manifest(name: RepositoryName, reference: ManifestReference, context: ReadContext): Promise<ServedManifest> {
    const repository = this.#content.catalog.require(name);
    const digest =
      reference.kind === 'digest' ? reference.digest : (await repository.tags.get(reference.tag))?.record.digest;
    const link = digest && (await repository.manifestLink(digest));
    if (!digest || !link) throw manifestUnknown(name, reference);
    if (context.method === 'HEAD') return { digest, ...link };
    const bytes = await this.#content.readManifest(digest);
    if (!bytes) throw manifestUnknown(name, reference);
    return { digest, ...link, bytes };
  }

  blob(name: RepositoryName, digest: Digest, { method, signal }: ReadContext): Promise<BlobSource> {
    return openToRead(this.#cold, { name, digest, method, signal }, () => this.#content.openBlob(name, digest));
  }

  async tags(name: RepositoryName, page: { limit: number | undefined; last: string | undefined }): Promise<TagPage> {
    const all = await this.#content.catalog.require(name).tags.list();
    const { last, limit = tagsPerPage } = page;
    const after = last === undefined ? all : all.filter((tag) => tag > last);
    return { tags: after.slice(0, limit), more: after.length > limit };
  }

  async referrers(name: RepositoryName, subject: Digest): Promise<ServedReferrers> {
    return { manifests: (await this.#content.catalog.get(name)?.referrers.list(subject)) ?? [] };
  }
}

export interface BlobRead {
  readonly name: RepositoryName;
  readonly digest: Digest;
  readonly method: string;
  readonly signal: AbortSignal;
}

/** A blob as it arrives, or as it is `stored`. Whoever only asks by HEAD whether it is there does not start its download. */
export const openToRead = async (
  cold: ColdBlobs,
  { name, digest, method, signal }: BlobRead,
  stored: () => Promise<StoredBlob>,
): Promise<BlobSource> => {
  const size = method === 'HEAD' ? await cold.size(name, digest, signal) : undefined;
  if (size !== undefined) return bodiless(size);
  const fetch = await cold.want(name, digest, signal);
  return fetch ? fetch.open(signal) : storedSource(await stored());
};

/** Tags of one page when the client names no number. */
const tagsPerPage = 10_000;

/** A stored blob is there in full: nothing is waited for. */
export const storedSource = (blob: StoredBlob): BlobSource => ({
  size: blob.size,
  readInto(buffer, position) {
    const read = blob.readInto(buffer, position);
    // A file that ends early would be asked again and again.
    if (read === 0) throw new Error(`blob ${blob.digest} ends at byte ${position} of ${blob.size}`);
    return read;
  },
  file: (_position, end) => ({ fd: blob.fd, end }),
  waitFor: async () => undefined,
  close: () => blob.close(),
});
