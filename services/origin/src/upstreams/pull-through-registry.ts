import { type Digest, type ManifestReference, OciError, type RepositoryName } from '@shoal/core';
import {
  type BlobSource,
  type ReadContext,
  type ReadRegistry,
  requestedRepository,
  type ServedManifest,
  type ServedReferrers,
  type TagPage,
} from '@shoal/registry';
import type { PullThrough } from './pull-through.ts';
import type { UpstreamLists } from './upstream-lists.ts';
import type { UpstreamReferrers } from './upstream-referrers.ts';

export interface PullThroughRegistryOptions {
  /** Answers from what the origin has. */
  readonly stored: Required<Omit<ReadRegistry, 'base'>>;
  readonly pullThrough: PullThrough;
  readonly lists: UpstreamLists;
  readonly referrers: UpstreamReferrers;
  /** Whether a host of an `ns` query is this registry itself. */
  readonly isOwn: (host: string) => boolean;
  /** The hosts of `registry.names`. */
  readonly ownNames: readonly string[];
}

/** Source: RFC 9111, section 5.5 (historic, but what registries and their clients know). */
export const staleWarning = '110 - "the upstream could not be asked whether the tag has moved"';

export const staleReferrers = '110 - "the upstream could not be asked for what refers to this now"';

/** What the origin answers to pulls of upstream repositories; the others it answers as ever. */
export class PullThroughRegistry implements ReadRegistry {
  readonly #o: PullThroughRegistryOptions;

  constructor(options: PullThroughRegistryOptions) {
    this.#o = options;
  }

  async manifest(
    repository: RepositoryName,
    reference: ManifestReference,
    context: ReadContext,
  ): Promise<ServedManifest> {
    const { stored, pullThrough } = this.#o;
    const name = this.#name(repository, context);
    const state = reference.kind === 'tag' ? await pullThrough.tag(name, reference.tag) : undefined;
    if (reference.kind === 'digest') await pullThrough.manifest(name, reference.digest, 'manifest');
    const manifest = await stored.manifest(name, reference, context);
    return state === 'stale' ? { ...manifest, headers: { ...manifest.headers, warning: staleWarning } } : manifest;
  }

  async blob(repository: RepositoryName, digest: Digest, context: ReadContext): Promise<BlobSource> {
    const name = this.#name(repository, context);
    await this.#o.pullThrough.mount(name, digest);
    return this.#o.stored.blob(name, digest, context);
  }

  async tags(
    repository: RepositoryName,
    page: { limit: number | undefined; last: string | undefined },
    context: ReadContext,
  ): Promise<TagPage> {
    const name = this.#name(repository, context);
    return (await this.#o.lists.tags(name, page)) ?? this.#o.stored.tags(name, page, context);
  }

  async referrers(repository: RepositoryName, subject: Digest, context: ReadContext): Promise<ServedReferrers> {
    const name = this.#name(repository, context);
    const told = await this.#o.referrers.find(name, subject);
    if (!told) return this.#o.stored.referrers(name, subject, context);
    return { manifests: told.manifests, ...(told.stale && { headers: { warning: staleReferrers } }) };
  }

  #name(repository: RepositoryName, { upstream }: ReadContext): RepositoryName {
    const { isOwn, ownNames } = this.#o;
    return requestedRepository(repository, upstream, isOwn, (host) => ownNames.includes(host));
  }
}

/** A push to what belongs to another registry. */
export const readOnly = (name: RepositoryName): OciError =>
  new OciError(
    'UNSUPPORTED',
    `${name} is pulled through from another registry and cannot be pushed to; push to that registry, or here under a name without its host`,
  );
