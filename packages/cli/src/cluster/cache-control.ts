import { reasonOf } from './ask.ts';

const timeoutMs = 30_000;

/** As an agent lists it: packages/store/src/cache-listing.ts. */
export interface CachedBlob {
  readonly digest: string;
  readonly size: number;
  readonly have: number;
  readonly pieces: number;
  readonly complete: boolean;
  readonly lastUsedMs: number;
  readonly pinned: boolean;
  readonly inUse: boolean;
}

export interface CachePage {
  readonly bytes: number;
  readonly quotaBytes: number;
  readonly pinnedBytes: number;
  readonly blobs: readonly CachedBlob[];
}

export interface CacheOutcome {
  readonly digest: string;
  readonly outcome: 'pinned' | 'unpinned' | 'unchanged' | 'removed' | 'absent' | 'in use';
}

/** All blobs of a cache, the most recently used first. @throws Error that names the port */
export const listCache = async (debug: string): Promise<CachePage> => {
  const blobs = new Map<string, CachedBlob>();
  for (let offset = 0; ;) {
    const page = (await ask(debug, `?offset=${offset}`)) as CachePage;
    for (const blob of page.blobs) blobs.set(blob.digest, blob);
    offset += page.blobs.length;
    if (page.blobs.length === 0) return { ...page, blobs: [...blobs.values()] };
  }
};

/** @throws Error as the agent says it */
export const changeCache = async (
  debug: string,
  action: 'pin' | 'unpin' | 'remove',
  digests: readonly string[],
): Promise<readonly CacheOutcome[]> =>
  ((await ask(debug, '', { action, digests })) as { results: readonly CacheOutcome[] }).results;

const ask = async (debug: string, query: string, json?: object): Promise<unknown> => {
  const url = `${debug}/debug/cache${query}`;
  const answer = await fetch(url, {
    signal: AbortSignal.timeout(timeoutMs),
    redirect: 'error',
    ...(json && { method: 'POST', body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }),
  }).catch((error: unknown) => {
    throw new Error(`${debug}: ${reasonOf(error)}; the debug port of an agent can be reached on its own machine only`);
  });
  const body = (await answer.json()) as { error?: string };
  if (!answer.ok) throw new Error(body.error ?? `${url} answered ${answer.status}`);
  return body;
};
