import type { Digest, ManifestReference, RepositoryName, Tag } from '@shoal/core';
import { isKept, type Repository } from '../catalog/repository.ts';
import type { Content } from '../content.ts';
import { Reach } from '../gc/reach.ts';
import { type Manifests, manifestUnknown } from './manifests.ts';

/** What has been removed, and what nothing reaches any more. */
export interface Removed {
  readonly repository: RepositoryName;
  /** The manifest that the reference meant. */
  readonly digest: Digest;
  readonly tags: readonly Tag[];
  readonly manifests: readonly Digest[];
  /** Of the manifests removed and the blobs that they name: what no manifest of any repository reaches now. */
  readonly unreached: readonly Digest[];
}

export interface RemovalParts {
  readonly content: Content;
  readonly manifests: Manifests;
}

/**
 * Removes a tag alone, or with `whole` the image that it means: the manifest, all its tags, and the manifests of an index
 * that neither a tag nor another index names. A digest means the image. Blobs stay for the garbage collection.
 * @throws OciError NAME_UNKNOWN, MANIFEST_UNKNOWN
 */
export const removeImage = async (
  { content, manifests }: RemovalParts,
  name: RepositoryName,
  reference: ManifestReference,
  whole: boolean,
): Promise<Removed> => {
  const repository = content.catalog.require(name);
  const removed = await manifests.quietly(name, async () => {
    const digest = reference.kind === 'digest' ? reference.digest : await tagged(repository, reference.tag);
    if (!digest || !(await repository.manifests.has(digest))) throw manifestUnknown(name, reference);
    if (reference.kind === 'tag' && !whole) {
      await repository.tags.delete(reference.tag);
      return { digest, tags: [reference.tag], named: new Map<Digest, readonly Digest[]>() };
    }
    const tags = await tagsOf(repository, digest);
    return { digest, tags, named: await dropTree({ content, manifests }, repository, digest) };
  });
  const { digest, tags, named } = removed;
  const all = new Set([...named.keys(), ...[...named.values()].flat()]);
  return { repository: name, digest, tags, manifests: [...named.keys()], unreached: await unreachedOf(content, all) };
};

const tagged = async ({ tags }: Repository, tag: Tag): Promise<Digest | undefined> =>
  (await tags.get(tag))?.record.digest;

const tagsOf = async (repository: Repository, digest: Digest): Promise<Tag[]> => {
  const found: Tag[] = [];
  for (const tag of await repository.tags.list()) if ((await tagged(repository, tag)) === digest) found.push(tag);
  return found;
};

/** Gives the blobs that each removed manifest named. */
const dropTree = async (
  { content, manifests }: RemovalParts,
  repository: Repository,
  root: Digest,
): Promise<Map<Digest, readonly Digest[]>> => {
  const reach = new Reach(content, repository);
  await reach.update();
  const named = new Map<Digest, readonly Digest[]>();
  const left = [root];
  for (let digest = left.shift(); digest; digest = left.shift()) {
    const known = reach.manifests.get(digest);
    const isFree = digest === root || (!reach.names(digest) && (await tagsOf(repository, digest)).length === 0);
    if (!isFree || !(await manifests.drop(repository, digest))) continue;
    reach.forget(digest);
    named.set(digest, known?.blobs ?? []);
    left.push(...(known?.manifests ?? []));
  }
  return named;
};

const unreachedOf = async (content: Content, digests: ReadonlySet<Digest>): Promise<Digest[]> => {
  const reached = new Set<Digest>();
  for (const repository of content.catalog.all()) {
    const left = [...digests].filter((digest) => content.catalog.isLinked(digest) && !reached.has(digest));
    const held = await heldBy(repository, left);
    if (held.size === 0) continue;
    const reach = new Reach(content, repository);
    await reach.update();
    for (const [digest, how] of held)
      if (how === 'certain' || reach.names(digest) || reach.unreadable.size > 0) reached.add(digest);
  }
  return [...digests].filter((digest) => !reached.has(digest));
};

/** What a repository has of them: as a manifest or for its own sake, or as a blob that a manifest may name. */
const heldBy = async (
  repository: Repository,
  digests: readonly Digest[],
): Promise<Map<Digest, 'certain' | 'perhaps'>> => {
  const held = new Map<Digest, 'certain' | 'perhaps'>();
  for (const digest of digests) {
    const link = await repository.blobs.get(digest);
    if (isKept(link) || (await repository.manifests.has(digest))) held.set(digest, 'certain');
    else if (link) held.set(digest, 'perhaps');
  }
  return held;
};
