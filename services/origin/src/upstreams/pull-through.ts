import { hash } from 'node:crypto';
import { type Digest, digestAlgorithm, digestOf, OciError, type RepositoryName, type Tag } from '@shoal/core';
import { Lru, SingleFlight, UpstreamError, type UpstreamFailure, type UpstreamManifest } from '@shoal/registry';
import type { Content } from '../content.ts';
import { manifestUnknown } from '../manifest/manifests.ts';
import { Descriptors } from './descriptors.ts';
import type { UpstreamEvents } from './upstream-events.ts';
import type { UpstreamRepository, UpstreamSet } from '@shoal/upstreams';
import { keepTold, type Owners } from './owners.ts';
import { Refusals } from './refusals.ts';

export interface PullThroughOptions {
  readonly upstreams: UpstreamSet;
  readonly content: Content;
  readonly events: UpstreamEvents;
  readonly owners: Owners;
  /** How long a refusal of an upstream is believed. */
  readonly negativeMs: number;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
}

/** How a tag was answered: `stale` when the upstream could not be asked whether it has moved. */
export type TagState = 'fresh' | 'stale';

const validatedMax = 100_000;
const flightsMax = 10_000;

/**
 * Tags and manifests of upstream registries. What is fetched becomes ordinary content of the origin, in a repository named
 * after the upstream: it is served, signed and seeded like what was pushed. Each is asked for once at a time, by the origin
 * that owns the repository.
 */
export class PullThrough {
  readonly descriptors = new Descriptors();
  readonly refusals: Refusals;
  readonly #o: PullThroughOptions;
  /** When an upstream last said what a tag points to. */
  readonly #validated = new Lru<string, number>({ sizeMax: validatedMax });
  readonly #tags = new SingleFlight<TagState>({ keysMax: flightsMax });
  readonly #manifests = new SingleFlight<void>({ keysMax: flightsMax });
  readonly #mounts = new SingleFlight<void>({ keysMax: flightsMax });

  constructor(options: PullThroughOptions) {
    this.#o = options;
    this.refusals = new Refusals(options);
  }

  /** Whether the repository is one of an upstream. */
  owns(name: RepositoryName): boolean {
    return this.#o.upstreams.owns(name);
  }

  /**
   * Makes the catalog's record of a tag as fresh as is asked of its upstream, and its manifest present.
   * @throws OciError MANIFEST_UNKNOWN, NAME_UNKNOWN (404); UpstreamError (502) when it does not answer and nothing is known
   */
  async tag(name: RepositoryName, tag: Tag): Promise<TagState> {
    const from = this.#o.upstreams.find(name);
    if (!from) return 'fresh';
    return this.#tags.run(
      `${name}:${tag}`,
      async () => (await this.#told(from, name, tag)) ?? this.#revalidate(from, name, tag),
    );
  }

  /**
   * Makes a manifest present that is asked for by digest. What is known to be a blob is not asked for, and `kind` `unknown`
   * leaves it open whether it is one: then it is no error that there is no such manifest.
   * @throws as `tag`
   */
  async manifest(name: RepositoryName, digest: Digest, kind: 'manifest' | 'unknown'): Promise<void> {
    const from = this.#o.upstreams.find(name);
    if (!from || (await this.#holds(name, digest))) return;
    if (kind === 'unknown' && this.descriptors.isBlob(name, digest)) return;
    try {
      await this.#manifests.run(`${name}@${digest}`, () => this.#obtain(from, name, digest));
    } catch (error) {
      if (kind === 'unknown' && error instanceof OciError && error.code === 'MANIFEST_UNKNOWN') return;
      throw error;
    }
  }

  /**
   * Makes a blob that another repository has brought here part of this one too, once the upstream has said that it is.
   * Nothing happens for a blob that is not stored. @throws UpstreamError
   */
  async mount(name: RepositoryName, digest: Digest): Promise<void> {
    const from = this.#o.upstreams.find(name);
    // In this order: the link that makes it linked may be this repository's, made a moment ago.
    if (!from || !this.#o.content.catalog.isLinked(digest) || (await this.#holds(name, digest))) return;
    await this.#mounts.run(`${name}@${digest}`, async () => {
      await this.blobSize(from, name, digest);
      await this.#o.content.mountBlob(name, digest, undefined);
    });
  }

  /** By the word of the upstream, which has the blob then; undefined where it does not tell. @throws OciError BLOB_UNKNOWN, UpstreamError */
  async blobSize(from: UpstreamRepository, name: RepositoryName, digest: Digest): Promise<number | undefined> {
    const told = await this.#o.owners.blobSize(name, digest);
    if (told) return told.value;
    return this.refusals.asking(from, `${name}@${digest}`, unknownBlob(name, digest), () =>
      from.upstream.blobSize(from.repository, digest),
    );
  }

  /** The tag as the owner of the repository says; undefined when that is this origin. */
  async #told(from: UpstreamRepository, name: RepositoryName, tag: Tag): Promise<TagState | undefined> {
    try {
      const told = await this.#o.owners.tag(name, tag);
      if (!told) return undefined;
      await this.manifest(name, told.signed.record.digest, 'manifest');
      await keepTold(await this.#o.content.catalog.ensure(name), told);
      return told.stale ? 'stale' : 'fresh';
    } catch (error) {
      const known = await this.#o.content.catalog.get(name)?.tags.get(tag);
      return this.#unanswered(from, name, tag, known !== undefined, error);
    }
  }

  async #revalidate(from: UpstreamRepository, name: RepositoryName, tag: Tag): Promise<TagState> {
    const { content, clock } = this.#o;
    const key = `${name}:${tag}`;
    const known = await content.catalog.get(name)?.tags.get(tag);
    const validatedMs = this.#validated.get(key) ?? -Infinity;
    if (known && clock() - validatedMs < from.tagRevalidateMs) return 'fresh';
    try {
      const unknown = manifestUnknown(name, { kind: 'tag', tag });
      await this.refusals.asking(from, key, unknown, () => this.#moveTag(from, name, tag, known?.record.digest));
      this.#validated.set(key, clock());
      return 'fresh';
    } catch (error) {
      if (upstreamFailure(error) === 'absent') await content.catalog.get(name)?.tags.delete(tag);
      return this.#unanswered(from, name, tag, known !== undefined, error);
    }
  }

  /** What is known of the tag is served where it could not be asked for. @throws the error where it was refused */
  #unanswered(from: UpstreamRepository, name: RepositoryName, tag: Tag, known: boolean, error: unknown): TagState {
    const failure = upstreamFailure(error);
    if (!known || failure === undefined || failure === 'absent' || failure === 'denied') throw error;
    this.#o.events.servedStale(from.label, name, tag);
    return 'stale';
  }

  /** `known` is what the tag pointed to: then HEAD comes first, which rate limits do not count. */
  async #moveTag(from: UpstreamRepository, name: RepositoryName, tag: Tag, known: Digest | undefined): Promise<void> {
    const { content } = this.#o;
    const now =
      known === undefined ? undefined : await from.upstream.tagDigest(from.repository, tag, { hurried: true });
    if (now !== undefined && now === known) return;
    const link = now && (await content.catalog.get(name)?.manifestLink(now));
    if (now && link) return content.catalog.get(name)?.tags.put(tag, { digest: now, ...link });
    const reference = now ? ({ kind: 'digest', digest: now } as const) : ({ kind: 'tag', tag } as const);
    const manifest = await from.upstream.manifest(from.repository, reference);
    await this.#received(from, name, manifest);
    const { digest, mediaType, bytes } = manifest;
    if (digest !== known) await content.catalog.get(name)?.tags.put(tag, { digest, mediaType, size: bytes.length });
  }

  async #obtain(from: UpstreamRepository, name: RepositoryName, digest: Digest): Promise<void> {
    const unknown = manifestUnknown(name, { kind: 'digest', digest });
    const told = await this.#o.owners.manifest(name, digest);
    if (told?.kind === 'manifest') return this.#store(name, checked({ ...told, digest }));
    if (told?.kind === 'blob') this.descriptors.rememberBlob(name, digest, told.size);
    if (told?.kind === 'unknown') throw new OciError(unknown.code, told.reason);
    if (told) throw unknown;
    await this.refusals.asking(from, `${name}@manifest@${digest}`, unknown, async () => {
      await this.#received(from, name, await from.upstream.manifest(from.repository, { kind: 'digest', digest }));
    });
  }

  async #received(from: UpstreamRepository, name: RepositoryName, manifest: UpstreamManifest): Promise<void> {
    const { events } = this.#o;
    await this.#store(name, manifest);
    events.received(from.label, manifest.bytes.length);
    events.manifestFetched(from.label, name, manifest.digest);
  }

  async #store(name: RepositoryName, { digest, mediaType, bytes }: UpstreamManifest): Promise<void> {
    const { content } = this.#o;
    // A repository comes into being with its first content, never with a question for some.
    const repository = await content.catalog.ensure(name);
    await content.putManifest(repository, digest, bytes, mediaType);
    this.descriptors.remember(name, bytes, mediaType);
  }

  async #holds(name: RepositoryName, digest: Digest): Promise<boolean> {
    return (await this.#o.content.catalog.get(name)?.holds(digest)) ?? false;
  }
}

/** @throws UpstreamError `invalid` for other bytes than the digest names */
const checked = (manifest: UpstreamManifest): UpstreamManifest => {
  const { digest, bytes } = manifest;
  const algorithm = digestAlgorithm(digest);
  if (digestOf(algorithm, hash(algorithm, bytes, 'buffer')) === digest) return manifest;
  throw new UpstreamError('invalid', `another origin gave something else for the manifest ${digest}`);
};

const upstreamFailure = (error: unknown): UpstreamFailure | undefined => {
  const upstream = error instanceof OciError ? error.cause : error;
  return upstream instanceof UpstreamError ? upstream.failure : undefined;
};

export const unknownBlob = (name: RepositoryName, digest: Digest): OciError =>
  new OciError('BLOB_UNKNOWN', `repository ${name} has no blob ${digest}`);
