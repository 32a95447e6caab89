import { type Digest, InvalidValueError, Type } from '@shoal/core';
import { DigestSchema } from '@shoal/protocol';
import { type DebugServer, schemaParser } from '@shoal/service';
import type { Ground } from '../ground.ts';
import type { SwarmSide } from '../swarm-side.ts';
import { dropBlob } from './drop-blob.ts';

/** Blobs listed by one answer. */
const pageMax = 1000;
const digestsMax = 10_000;

const parseAction = schemaParser(
  Type.Object({
    action: Type.Union([Type.Literal('pin'), Type.Literal('unpin'), Type.Literal('remove')]),
    digests: Type.Array(DigestSchema, { minItems: 1, maxItems: digestsMax }),
  }),
);

export interface CacheOutcome {
  readonly digest: Digest;
  readonly outcome: 'pinned' | 'unpinned' | 'unchanged' | 'removed' | 'absent' | 'in use';
}

/**
 * At the debug port, for the person on the machine: `GET /debug/cache?offset=` lists blobs, the most recently used first;
 * `POST /debug/cache` with `{"action": "pin" | "unpin" | "remove", "digests"}` gives a CacheOutcome for each digest.
 */
export const registerCacheControl = (
  debug: DebugServer,
  { cache, events }: Pick<Ground, 'cache' | 'events'>,
  { seeds }: Pick<SwarmSide, 'seeds'>,
): void => {
  debug.register('cache', (query) => ({
    ...cache.stats(),
    pinnedBytes: cache.pinnedBytes,
    blobs: Iterator.from(cache.listing()).drop(offsetOf(query)).take(pageMax).toArray(),
  }));
  debug.action('cache', async (body) => {
    const { action, digests } = parseAction(body);
    const results: CacheOutcome[] = [];
    if (action !== 'remove') {
      const changed = new Set(cache.pin(digests, action === 'pin'));
      const done = action === 'pin' ? 'pinned' : 'unpinned';
      events.cachePinned([...changed], action === 'pin');
      return { results: digests.map((digest) => ({ digest, outcome: changed.has(digest) ? done : 'unchanged' })) };
    }
    for (const digest of digests) results.push({ digest, outcome: await dropBlob({ cache, seeds, events }, digest) });
    return { results };
  });
};

const offsetOf = (query: URLSearchParams): number => {
  const raw = query.get('offset') ?? '0';
  if (!/^\d{1,9}$/.test(raw)) throw new InvalidValueError('offset', raw, 'allowed is a whole number');
  return Number(raw);
};
