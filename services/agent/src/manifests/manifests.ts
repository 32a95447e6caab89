import { type Digest, OciError, type RepositoryName, ShoalError, type Tag } from '@shoal/core';
import { type BlobSource, Lru, type ServedManifest } from '@shoal/registry';
import { type Descriptor, type DescriptorBook, descriptorsOf } from '../metainfo/descriptor-book.ts';
import type { ResolvedTag } from '../tags/tag-resolver.ts';
import { mediaTypeOf } from './media-type.ts';
import { assertObtainable } from './obtainable.ts';

/** Registries agree on 4 MiB; the origin may be set to take somewhat more. */
const manifestBytesMax = 32 * 1024 * 1024;

/** Manifests kept in memory, and their largest: at most 4 MiB together. */
const rememberedMax = 64;
const rememberedBytesMax = 64 * 1024;

interface Manifest {
  readonly bytes: Uint8Array;
  /** What the manifest says of itself. */
  readonly mediaType: string | undefined;
  readonly descriptors: readonly Descriptor[];
}

export interface ManifestsOptions {
  readonly resolveTag: (repository: RepositoryName, tag: Tag) => Promise<ResolvedTag>;
  /** What the tag's own registry says, where no origin answers and it may be asked; else undefined. */
  readonly directTag: (repository: RepositoryName, tag: Tag) => Promise<Digest | undefined>;
  /** A blob or manifest by digest, as for any other blob. */
  readonly open: (repository: RepositoryName, digest: Digest) => Promise<BlobSource>;
  /** Resolves when somebody has a blob. @throws when nobody has, or nobody who knows answers */
  readonly find: (repository: RepositoryName, digest: Digest) => Promise<unknown>;
  /** Whether the cache holds it in full; a use of it. */
  readonly used: (digest: Digest) => boolean;
  readonly mediaTypes: {
    mediaType(digest: Digest): string | undefined;
    putMediaType(digest: Digest, mediaType: string): void;
  };
  readonly descriptors: DescriptorBook;
  /** A manifest has passed: its blobs will be asked for next. */
  readonly passed: (repository: RepositoryName, blobs: readonly Digest[]) => void;
}

/** Source: RFC 9111, section 5.5. */
const directWarning = '111 - "no origin answers; the registry of the image was asked"';

/** Manifests are small blobs with a media type; a tag is one more step before that. */
export class Manifests {
  readonly #o: ManifestsOptions;
  readonly #remembered = new Lru<Digest, Manifest>({ sizeMax: rememberedMax });

  constructor(o: ManifestsOptions) {
    this.#o = o;
  }

  /** @throws OciError MANIFEST_UNKNOWN (404); ShoalError UNAVAILABLE (503) */
  async byTag(
    repository: RepositoryName,
    tag: Tag,
    method: 'GET' | 'HEAD',
    ended: () => AbortSignal,
  ): Promise<ServedManifest> {
    let resolved: ResolvedTag;
    try {
      resolved = await this.#o.resolveTag(repository, tag);
    } catch (error) {
      const unanswered = error instanceof ShoalError && error.code === 'UNAVAILABLE';
      const digest = unanswered ? await this.#o.directTag(repository, tag) : undefined;
      if (digest === undefined) throw error;
      return { ...(await this.byDigest(repository, digest, ended)), headers: { warning: directWarning } };
    }
    const { signed, staleBecause } = resolved;
    const { digest, mediaType, size } = signed.record;
    // Source: RFC 9111, section 5.5 (historic, but what registries and their clients know).
    const headers =
      staleBecause === undefined ? {} : { warning: '110 - "nobody could be asked whether the tag has moved"' };
    if (method === 'HEAD') return { digest, mediaType, size, headers };
    return { ...(await this.byDigest(repository, digest, ended, mediaType)), headers };
  }

  /** `signedType` is the media type an origin signed for it. @throws OciError MANIFEST_UNKNOWN (404); ShoalError UNAVAILABLE (503) */
  async byDigest(
    repository: RepositoryName,
    digest: Digest,
    ended: () => AbortSignal,
    signedType?: string,
  ): Promise<ServedManifest> {
    const atHand = this.atHand(repository, digest, signedType);
    if (atHand) return atHand;
    const bytes = await this.#read(repository, digest, ended());
    const content = parsed(bytes);
    if (content === undefined) throw unknown(repository, digest);
    const manifest = { bytes, mediaType: mediaTypeOf(content), descriptors: descriptorsOf(content) };
    const served = this.#served(repository, digest, manifest, signedType);
    if (bytes.length <= rememberedBytesMax) this.#remembered.set(digest, manifest);
    return served;
  }

  /** While no origin answers: whether the rest of the image can be had too. @throws ShoalError UNAVAILABLE (503) */
  async assertObtainable(repository: RepositoryName, { bytes }: ServedManifest, signal: AbortSignal): Promise<void> {
    if (!bytes) return;
    await assertObtainable(repository, descriptorsOf(parsed(bytes)), {
      cached: (digest) => this.#o.used(digest),
      find: this.#o.find,
      referred: async (name, digest) => descriptorsOf(parsed(await this.#read(name, digest, signal))),
    });
  }

  /** What was served before and is still in the cache: no file has to be read for it. */
  atHand(repository: RepositoryName, digest: Digest, signedType?: string): ServedManifest | undefined {
    const manifest = this.#remembered.get(digest);
    if (!manifest) return undefined;
    if (this.#o.used(digest)) return this.#served(repository, digest, manifest, signedType);
    this.#remembered.delete(digest);
    return undefined;
  }

  #served(
    repository: RepositoryName,
    digest: Digest,
    { bytes, descriptors, mediaType: ownType }: Manifest,
    signedType: string | undefined,
  ): ServedManifest {
    const kept = this.#o.mediaTypes.mediaType(digest);
    const mediaType = signedType ?? kept ?? ownType ?? this.#o.descriptors.get(digest)?.mediaType;
    if (!mediaType) throw unknown(repository, digest);
    if (kept !== mediaType) this.#o.mediaTypes.putMediaType(digest, mediaType);
    this.#o.descriptors.remember(descriptors);
    this.#o.passed(
      repository,
      descriptors.filter(({ role, elsewhere }) => role === 'blob' && !elsewhere).map((descriptor) => descriptor.digest),
    );
    return { digest, mediaType, size: bytes.length, bytes };
  }

  async #read(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<Uint8Array> {
    let source: BlobSource;
    try {
      source = await this.#o.open(repository, digest);
    } catch (error) {
      throw error instanceof OciError && error.code === 'BLOB_UNKNOWN' ? unknown(repository, digest) : error;
    }
    try {
      // A layer that is asked for as a manifest: no need to read it to know.
      if (source.size > manifestBytesMax) throw unknown(repository, digest);
      return await readWhole(source, signal);
    } finally {
      source.close();
    }
  }
}

const readWhole = async (source: BlobSource, signal: AbortSignal): Promise<Uint8Array> => {
  const bytes = Buffer.allocUnsafeSlow(source.size);
  for (let position = 0; position < bytes.length;) {
    await source.waitFor(position, signal);
    position += source.readInto(bytes.subarray(position), position);
  }
  return bytes;
};

const parsed = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
};

const unknown = (repository: RepositoryName, digest: Digest): OciError =>
  new OciError('MANIFEST_UNKNOWN', `${repository}@${digest} is not a manifest known at the origin`, {
    detail: { repository, digest },
  });
