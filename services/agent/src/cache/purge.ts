import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '@shoal/core';
import type { CommandResult } from '../commands/commands.ts';
import { dropBlob, type DropParts } from './drop-blob.ts';

/** What is read or downloaded is waited for. */
const patienceMs = 600_000;
const retryMs = 1_000;

/** Drops blobs from the cache, each as soon as nobody reads it. Those that are pinned stay. @throws Error for those still in use */
export const purge = async (
  parts: DropParts,
  digests: readonly Digest[],
  signal: AbortSignal,
): Promise<CommandResult> => {
  let pinned = 0;
  let left = digests;
  for (let waitedMs = 0; ; waitedMs += retryMs) {
    const busy: Digest[] = [];
    for (const digest of left) {
      const outcome = await dropBlob(parts, digest);
      if (outcome === 'pinned') pinned++;
      if (outcome === 'in use') busy.push(digest);
    }
    left = busy;
    if (left.length === 0) return pinned === 0 ? {} : { detail: `${pinned} pinned blobs stay` };
    if (waitedMs >= patienceMs)
      throw new Error(`${left.length} blobs are still in use after ${patienceMs / 60_000} minutes`);
    await sleep(retryMs, undefined, { signal });
  }
};
