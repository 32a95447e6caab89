import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PieceCache } from '@shoal/store';
import type { AgentEvents } from '../events.ts';
import type { ReferrersBook } from '../referrers/referrers-book.ts';
import type { TagAnnouncer } from '../tags/tag-announcer.ts';
import type { TagBook } from '../tags/tag-book.ts';
import type { Seeds } from './seeds.ts';
import { verifySuspect } from './verify-suspect.ts';

/** Tag records announced again; the rest follow as they are asked for. */
const tagsMax = 1000;

export interface RestoreOptions {
  readonly cache: PieceCache;
  readonly seeds: Seeds;
  readonly tags: TagBook;
  readonly referrers: ReferrersBook;
  readonly tagAnnouncer: TagAnnouncer;
  readonly seedsMax: number;
  readonly events: Pick<AgentEvents, 'cacheVerified' | 'restoreFailed'>;
  readonly signal: AbortSignal;
}

/**
 * After a start: what the cache holds is served and announced again, the most recently used blobs of it. After an
 * unclean stop each is hashed first. Runs beside everything else; a pull does not wait for it.
 */
export const restoreSeeds = async ({
  cache,
  seeds,
  tags,
  referrers,
  tagAnnouncer,
  seedsMax,
  events,
  signal,
}: RestoreOptions): Promise<void> => {
  for (const { repository, tag } of [...cache.tagRecords()]
    .toReversed()
    .slice(0, Math.min(tagsMax, seedsMax))
    .toReversed()) {
    if (tags.known(repository, tag) ?? referrers.knownUnder(repository, tag)) tagAnnouncer.kept(repository, tag);
  }
  // Least recently used first, so that the order of use in the books is that of the cache.
  const blobs = Iterator.from(cache.entries()).take(seedsMax).toArray().toReversed();
  for (const blob of blobs) {
    if (signal.aborted) return;
    if (blob.removed) continue;
    try {
      await verifySuspect(blob, events, signal);
      if (blob.complete && !blob.removed) seeds.ensure(blob);
    } catch (error) {
      if (signal.aborted) return;
      // One blob that cannot be read must not keep the others from being served.
      events.restoreFailed(blob.digest, (error as Error).message);
    }
    await nextTurn();
  }
};
