import { type Digest, type RepositoryName, ShoalError } from '@shoal/core';
import type { Descriptor } from '../metainfo/descriptor-book.ts';

export interface ObtainableOptions {
  /** The cache holds it in full. */
  readonly cached: (digest: Digest) => boolean;
  /** Resolves when somebody has it. @throws when nobody has, or nobody who knows answers */
  readonly find: (repository: RepositoryName, digest: Digest) => Promise<unknown>;
  /** What a manifest refers to. @throws when it cannot be had */
  readonly referred: (repository: RepositoryName, digest: Digest) => Promise<readonly Descriptor[]>;
}

/** Questions at a time, and manifests of an index that are looked into. */
const askingMax = 16;
const childrenMax = 32;

/**
 * Podman and Docker choose their mirror at the manifest, and fail when it has not all of the image. So while no origin
 * answers a manifest is only given when its blobs can be had; of an index those of one of its manifests.
 * @throws ShoalError UNAVAILABLE (503): the runtime should try elsewhere
 */
export const assertObtainable = async (
  repository: RepositoryName,
  descriptors: readonly Descriptor[],
  o: ObtainableOptions,
): Promise<void> => {
  const blobs = descriptors.filter(({ role, elsewhere }) => role === 'blob' && !elsewhere);
  for (let from = 0; from < blobs.length; from += askingMax)
    await Promise.all(blobs.slice(from, from + askingMax).map(({ digest }) => assertBlob(repository, digest, o)));
  const children = descriptors.filter(({ role }) => role === 'manifest').slice(0, childrenMax);
  if (children.length === 0) return;
  await Promise.any(children.map(({ digest }) => assertChild(repository, digest, o))).catch((error: unknown) => {
    const [first] = (error as AggregateError).errors as Error[];
    throw unobtainable(repository, 'any of its images', first);
  });
};

const assertBlob = async (repository: RepositoryName, digest: Digest, o: ObtainableOptions): Promise<void> => {
  if (o.cached(digest)) return;
  await o.find(repository, digest).catch((error: unknown) => {
    throw unobtainable(repository, digest, error as Error);
  });
};

const assertChild = async (repository: RepositoryName, digest: Digest, o: ObtainableOptions): Promise<void> => {
  await assertBlob(repository, digest, o);
  const parts = await o.referred(repository, digest);
  // An index within an index says nothing of its own images.
  await assertObtainable(
    repository,
    parts.filter(({ role }) => role === 'blob'),
    o,
  );
};

const unobtainable = (repository: RepositoryName, what: string, cause: Error | undefined): ShoalError =>
  new ShoalError('UNAVAILABLE', 503, `no origin answers, and ${what} of ${repository} can be had nowhere`, { cause });
