import type { Digest } from '@shoal/core';
import type { Repository } from '../catalog/repository.ts';
import type { Content } from '../content.ts';
import { type ParsedManifest, parseManifest } from '../manifest/parse-manifest.ts';

/** What a manifest of a repository names. */
export interface Named {
  /** Manifests of an index. */
  readonly manifests: readonly Digest[];
  /** Config and layers. */
  readonly blobs: readonly Digest[];
  readonly subject: Digest | undefined;
}

/** What the manifests of one repository name. Each is read once, however often it is brought up to date. */
export class Reach {
  readonly #content: Content;
  readonly #repository: Repository;
  readonly #manifests = new Map<Digest, Named>();
  readonly #unreadable = new Set<Digest>();
  #named: ReadonlySet<Digest> | undefined;

  constructor(content: Content, repository: Repository) {
    this.#content = content;
    this.#repository = repository;
  }

  get manifests(): ReadonlyMap<Digest, Named> {
    return this.#manifests;
  }

  /** Manifests whose bytes are lost: nobody knows what they name. */
  get unreadable(): ReadonlySet<Digest> {
    return this.#unreadable;
  }

  /** Reads manifests that have come and forgets those that have gone. */
  async update(): Promise<void> {
    const present = new Set(await this.#repository.manifests.list());
    this.#unreadable.clear();
    for (const digest of this.#manifests.keys()) if (!present.has(digest)) this.forget(digest);
    for (const digest of present) {
      if (this.#manifests.has(digest)) continue;
      const named = await this.#read(digest);
      if (named === 'unreadable') this.#unreadable.add(digest);
      if (typeof named !== 'object') continue;
      this.#manifests.set(digest, named);
      this.#named = undefined;
    }
  }

  forget(digest: Digest): void {
    this.#manifests.delete(digest);
    this.#named = undefined;
  }

  /** Whether a manifest of the repository names it; an index may name what was pushed as a blob. */
  names(digest: Digest): boolean {
    this.#named ??= new Set([...this.#manifests.values()].flatMap(({ blobs, manifests }) => [...blobs, ...manifests]));
    return this.#named.has(digest);
  }

  /** Manifests that are tagged, in an index that is kept, or about one that is kept. */
  async rooted(): Promise<ReadonlySet<Digest>> {
    const { tags } = this.#repository;
    const kept = new Set<Digest>();
    const left: Digest[] = [];
    for (const tag of await tags.list()) {
      const record = await tags.get(tag);
      if (record) left.push(record.record.digest);
    }
    const about = new Map<Digest, Digest[]>();
    for (const [digest, { subject }] of this.#manifests)
      if (subject) about.set(subject, [...(about.get(subject) ?? []), digest]);
    for (let digest = left.pop(); digest; digest = left.pop()) {
      if (kept.has(digest)) continue;
      kept.add(digest);
      left.push(...(this.#manifests.get(digest)?.manifests ?? []), ...(about.get(digest) ?? []));
    }
    return kept;
  }

  /** Undefined for one that has gone in the meantime. */
  async #read(digest: Digest): Promise<Named | 'unreadable' | undefined> {
    const link = await this.#repository.manifestLink(digest);
    if (!link) return undefined;
    const bytes = await this.#content.readManifest(digest);
    if (bytes) return namedBy(parseManifest(bytes, link.mediaType));
    return (await this.#repository.manifests.has(digest)) ? 'unreadable' : undefined;
  }
}

const namedBy = ({ blobs, manifests, subject }: ParsedManifest): Named => ({
  blobs: blobs.map(({ digest }) => digest),
  manifests: manifests.map(({ digest }) => digest),
  subject: subject?.digest,
});
