import type { Digest } from '@shoal/core';
import { isKept, type Repository } from '../catalog/repository.ts';
import type { Content } from '../content.ts';
import type { Manifests } from '../manifest/manifests.ts';
import { Reach } from './reach.ts';
import type { Tally } from './tally.ts';

export interface CollectOptions {
  readonly content: Content;
  readonly manifests: Manifests;
  readonly tally: Tally;
  readonly dryRun: boolean;
  /** Also manifests that no tag leads to. */
  readonly untagged: boolean;
  /** What was used since then stays; milliseconds since the epoch. */
  readonly beforeMs: number;
  readonly signal: AbortSignal;
}

/** Removed while the pushes of manifests to a repository wait. */
const batchMax = 64;

/**
 * Removes what no manifest of a repository names. First it is marked while pushes go on; then each batch is removed while
 * no manifest can come, after those that came since have been read. A push of a manifest either finds all its parts and
 * is seen here, or finds that a part is missing and is refused.
 */
export const collectRepository = async (repository: Repository, o: CollectOptions): Promise<void> => {
  const reach = new Reach(o.content, repository);
  await updateAll(reach);
  if (o.untagged) await collectManifests(repository, reach, o);
  const unnamed = (await repository.blobs.list()).filter((digest) => !reach.names(digest));
  for (let from = 0; from < unnamed.length; from += batchMax) {
    o.signal.throwIfAborted();
    const batch = unnamed.slice(from, from + batchMax);
    await (o.dryRun
      ? countBlobs(repository, batch, o)
      : o.manifests.quietly(repository.name, () => removeBlobs(repository, reach, batch, o)));
  }
};

/** @throws Error when a manifest cannot be read: what it names must stay */
const updateAll = async (reach: Reach): Promise<void> => {
  await reach.update();
  const [lost] = reach.unreadable;
  if (lost) throw new Error(`the manifest ${lost} cannot be read; push it again or remove it`);
};

const removeBlobs = async (
  repository: Repository,
  reach: Reach,
  digests: readonly Digest[],
  { content, tally, beforeMs }: CollectOptions,
): Promise<void> => {
  await updateAll(reach);
  for (const digest of digests) {
    if (reach.names(digest)) continue;
    const size = (await content.blobs.stat(digest))?.size ?? 0;
    const outcome = await content.unlinkUnused(repository, 'blobs', digest, beforeMs);
    if (outcome === 'used') tally.young++;
    if (outcome === 'unlinked' || outcome === 'deleted') tally.blobs++;
    if (outcome === 'deleted') tally.freed(digest, size);
  }
};

const countBlobs = async (
  repository: Repository,
  digests: readonly Digest[],
  { content, tally, beforeMs }: CollectOptions,
): Promise<void> => {
  for (const digest of digests) {
    const link = await repository.blobs.get(digest);
    if (!link || isKept(link)) continue;
    if ((await repository.blobs.usedMs(digest)) > beforeMs) tally.young++;
    else {
      tally.blobs++;
      tally.wouldUnlink(digest, (await content.blobs.stat(digest))?.size ?? 0);
    }
  }
};

/** Manifests that no tag leads to, directly, through an index, or as the subject of theirs. */
const collectManifests = async (repository: Repository, reach: Reach, o: CollectOptions): Promise<void> => {
  for (;;) {
    o.signal.throwIfAborted();
    const removed = await o.manifests.quietly(repository.name, async () => {
      await updateAll(reach);
      const rooted = await reach.rooted();
      const left = [...reach.manifests.keys()].filter((digest) => !rooted.has(digest));
      let count = 0;
      for (const digest of left) {
        if ((await repository.manifests.usedMs(digest)) > o.beforeMs) continue;
        await removeManifest(repository, digest, o);
        reach.forget(digest);
        if (++count === batchMax && !o.dryRun) break;
      }
      if (count < batchMax) o.tally.young += left.length - count;
      return count;
    });
    if (removed < batchMax || o.dryRun) return;
  }
};

const removeManifest = async (
  repository: Repository,
  digest: Digest,
  { content, manifests, tally, dryRun }: CollectOptions,
): Promise<void> => {
  const link = await repository.manifestLink(digest);
  if (!link) return;
  tally.manifests++;
  if (dryRun) return tally.wouldUnlink(digest, link.size);
  await manifests.dropUntagged(repository, digest, link);
  if (!content.catalog.isLinked(digest)) tally.freed(digest, link.size);
};
