import type { Digest } from '@shoal/core';
import type { PieceCache } from '@shoal/store';
import type { AgentEvents } from '../events.ts';
import type { Seeds } from '../seeds/seeds.ts';

export interface DropParts {
  readonly cache: Pick<PieceCache, 'get' | 'discard'>;
  readonly seeds: Pick<Seeds, 'ensure' | 'drop'>;
  readonly events: Pick<AgentEvents, 'cachePurged'>;
}

/**
 * Takes a blob out of the cache, after its swarm was left and the pieces under way were sent. One that is pinned, that a
 * client reads or that is being downloaded stays as it is.
 */
export const dropBlob = async (
  { cache, seeds, events }: DropParts,
  digest: Digest,
): Promise<'removed' | 'absent' | 'pinned' | 'in use'> => {
  const blob = cache.get(digest);
  if (!blob || blob.pinned) return cache.discard(digest);
  await seeds.drop(digest);
  const outcome = cache.discard(digest);
  if (outcome === 'in use') seeds.ensure(blob);
  if (outcome !== 'removed') return outcome;
  // Somebody may have begun to read it while the last pieces were sent.
  void seeds.drop(digest);
  events.cachePurged(digest, blob.size);
  return outcome;
};
