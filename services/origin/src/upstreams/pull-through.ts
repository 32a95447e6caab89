import { type Digest, OciError, type RepositoryName, type Tag } from '@shoal/core';
import { Lru, SingleFlight, UpstreamError, type UpstreamFailure } from '@shoal/registry';
import type { Content } from '../content.ts';
import { manifestUnknown } from '../manifest/manifests.ts';
import { Descriptors } from './descriptors.ts';
import type { UpstreamEvents } from './upstream-events.ts';
import type { UpstreamRepository, UpstreamSet } from './upstream-set.ts';
import { Refusals } from './refusals.ts';

export interface PullThroughOptions {
  readonly upstreams: UpstreamSet;
  readonly content: Content;
  readonly events: UpstreamEvents;
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
 * after the upstream: it is served, signed and seeded like what was pushed. Each is asked for once at a time.
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
    return this.#tags.run(`${name}:${tag}`, () => this.#revalidate(from, name, tag));
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
      await this.#manifests.run(`${name}@${digest}`, () => this.#fetch(from, name, digest));
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
    if (!from || (await this.#holds(name, digest)) || !(await this.#o.content.blobs.stat(digest))) return;
    await this.#mounts.run(`${name}@${digest}`, () =>
      this.refusals.asking(from, `${name}@${digest}`, unknownBlob(name, digest), async () => {
        await from.upstream.blobSize(from.repository, digest);
        await this.#o.content.mountBlob(name, digest, undefined);
      }),
    );
  }

  async #revalidate(from: UpstreamRepository, name: RepositoryName, tag: Tag): Promise<TagState> {
    const { content, clock, events } = this.#o;
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
      const failure = upstreamFailure(error);
      if (failure === 'absent') await content.catalog.get(name)?.tags.delete(tag);
      if (!known || failure === undefined || failure === 'absent' || failure === 'denied') throw error;
      events.servedStale(from.label, name, tag);
      return 'stale';
    }
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
    await this.#store(from, name, manifest);
    const { digest, mediaType, bytes } = manifest;
    if (digest !== known) await content.catalog.get(name)?.tags.put(tag, { digest, mediaType, size: bytes.length });
  }

  #fetch(from: UpstreamRepository, name: RepositoryName, digest: Digest): Promise<void> {
    const unknown = manifestUnknown(name, { kind: 'digest', digest });
    return this.refusals.asking(from, `${name}@manifest@${digest}`, unknown, async () => {
      await this.#store(from, name, await from.upstream.manifest(from.repository, { kind: 'digest', digest }));
    });
  }

  async #store(
    from: UpstreamRepository,
    name: RepositoryName,
    manifest: { readonly digest: Digest; readonly mediaType: string; readonly bytes: Uint8Array },
  ): Promise<void> {
    const { content, events } = this.#o;
    const { digest, mediaType, bytes } = manifest;
    // A repository comes into being with its first content, never with a question for some.
    const repository = await content.catalog.ensure(name);
    await content.putManifest(repository, digest, bytes, mediaType);
    this.descriptors.remember(name, bytes, mediaType);
    events.received(from.label, bytes.length);
    events.manifestFetched(from.label, name, digest);
  }

  async #holds(name: RepositoryName, digest: Digest): Promise<boolean> {
    return (await this.#o.content.catalog.get(name)?.holds(digest)) ?? false;
  }
}

const upstreamFailure = (error: unknown): UpstreamFailure | undefined => {
  const upstream = error instanceof OciError ? error.cause : error;
  return upstream instanceof UpstreamError ? upstream.failure : undefined;
};

export const unknownBlob = (name: RepositoryName, digest: Digest): OciError =>
  new OciError('BLOB_UNKNOWN', `repository ${name} has no blob ${digest}`);
