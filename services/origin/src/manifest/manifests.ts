import { hash } from 'node:crypto';
import {
  type Digest,
  digestAlgorithm,
  digestOf,
  type ManifestReference,
  OciError,
  type RepositoryName,
  type Tag,
} from '@shoal/core';
import { KeyedLock } from '../catalog/keyed-lock.ts';
import type { ManifestLink, Repository } from '../catalog/repository.ts';
import type { Content } from '../content.ts';
import { checkReferences } from './check-references.ts';
import { type ParsedManifest, parseManifest } from './parse-manifest.ts';

export interface ManifestPush {
  readonly repository: RepositoryName;
  readonly reference: ManifestReference;
  /** Tags beside the reference. */
  readonly tags: readonly Tag[];
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
}

export interface PushedManifest {
  readonly digest: Digest;
  readonly subject: Digest | undefined;
}

export interface ManifestEvents {
  manifestPushed(repository: RepositoryName, digest: Digest, tags: readonly Tag[]): void;
  /** `reference` is the tag or digest that was deleted. */
  manifestDeleted(repository: RepositoryName, reference: string): void;
}

/**
 * Manifests of all repositories. Writers of one repository wait for each other: tag versions, referrers and links
 * change together. Readers never wait.
 */
export class Manifests {
  readonly #content: Content;
  readonly #locks = new KeyedLock();
  readonly #sparse: boolean;
  readonly #events: ManifestEvents;

  /** `sparse` accepts manifests whose parts are missing. */
  constructor(content: Content, options: { readonly sparse: boolean; readonly events: ManifestEvents }) {
    this.#content = content;
    this.#sparse = options.sparse;
    this.#events = options.events;
  }

  /** Durable when it resolves. @throws OciError DIGEST_INVALID, MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN */
  async push({ repository: name, reference, tags, bytes, contentType }: ManifestPush): Promise<PushedManifest> {
    const digest = digestFor(reference, bytes);
    const manifest = parseManifest(bytes, contentType);
    const allTags = reference.kind === 'tag' ? [reference.tag, ...tags] : tags;
    const repository = await this.#repositoryFor(name, manifest);
    return this.#locks.run(name, async () => {
      if (!this.#sparse) await checkReferences(this.#content, repository, manifest);
      await this.#content.putManifest(repository, digest, bytes, manifest.mediaType);
      if (manifest.subject)
        await repository.referrers.put(manifest.subject.digest, referrerOf(manifest, digest, bytes.length));
      await repository.tags.putAll(allTags, { digest, mediaType: manifest.mediaType, size: bytes.length });
      this.#events.manifestPushed(name, digest, allTags);
      return { digest, subject: manifest.subject?.digest };
    });
  }

  /** Runs `work` while nobody changes manifests and tags of the repository. */
  quietly<T>(name: RepositoryName, work: () => Promise<T>): Promise<T> {
    return this.#locks.run(name, work);
  }

  /** Deletes a tag, or a manifest with its tags and its entry as a referrer. @throws OciError MANIFEST_UNKNOWN, NAME_UNKNOWN */
  async delete(name: RepositoryName, reference: ManifestReference): Promise<void> {
    const repository = this.#content.catalog.require(name);
    await this.#locks.run(name, async () => {
      const found =
        reference.kind === 'tag'
          ? await repository.tags.delete(reference.tag)
          : await this.drop(repository, reference.digest);
      if (!found) throw manifestUnknown(name, reference);
      this.#events.manifestDeleted(name, referenceText(reference));
    });
  }

  /** Deletes a manifest; callers hold the repository (`quietly`). False when there is none. */
  async drop(repository: Repository, digest: Digest): Promise<boolean> {
    const link = await repository.manifestLink(digest);
    if (!link) return false;
    // Tags go first: a crash in between leaves a manifest without tags, never a tag without its manifest.
    await repository.tags.deleteOf(digest);
    return this.dropUntagged(repository, digest, link);
  }

  /** As `drop`, of one that no tag names. */
  async dropUntagged(repository: Repository, digest: Digest, link: ManifestLink): Promise<boolean> {
    const bytes = await this.#content.readManifest(digest);
    const subject = bytes && parseManifest(bytes, link.mediaType).subject;
    if (subject) await repository.referrers.delete(subject.digest, digest);
    return this.#content.unlink(repository, 'manifests', digest);
  }

  // A repository comes into being with its first content; a manifest that refers to missing parts is refused before.
  async #repositoryFor(name: RepositoryName, manifest: ParsedManifest): Promise<Repository> {
    const needsParts = manifest.manifests.length > 0 || manifest.blobs.some((blob) => !blob.nonDistributable);
    if (!this.#sparse && needsParts && !this.#content.catalog.get(name)) {
      throw new OciError(
        'MANIFEST_BLOB_UNKNOWN',
        `repository ${name} lacks the manifest's parts: nothing has been pushed to it`,
      );
    }
    return this.#content.catalog.ensure(name);
  }
}

export const manifestUnknown = (name: RepositoryName, reference: ManifestReference): OciError =>
  new OciError('MANIFEST_UNKNOWN', `repository ${name} has no manifest ${referenceText(reference)}`);

const referenceText = (reference: ManifestReference): string =>
  reference.kind === 'tag' ? reference.tag : reference.digest;

const digestFor = (reference: ManifestReference, bytes: Uint8Array): Digest => {
  const algorithm = reference.kind === 'digest' ? digestAlgorithm(reference.digest) : 'sha256';
  const digest = digestOf(algorithm, hash(algorithm, bytes, 'buffer'));
  if (reference.kind === 'digest' && reference.digest !== digest) {
    throw new OciError('DIGEST_INVALID', `digest: the manifest has ${digest}, not ${reference.digest}`);
  }
  return digest;
};

const referrerOf = ({ mediaType, artifactType, annotations }: ParsedManifest, digest: Digest, size: number) => ({
  mediaType,
  digest,
  size,
  ...(artifactType !== undefined && { artifactType }),
  ...(annotations && { annotations }),
});
