import type { Digest } from '@shoal/core';

/** One blob as a list of the cache shows it; sizes in bytes. */
export interface CacheListing {
  readonly digest: Digest;
  readonly size: number;
  /** Pieces that are there, of `pieces`. */
  readonly have: number;
  readonly pieces: number;
  readonly complete: boolean;
  readonly suspect: boolean;
  readonly lastUsedMs: number;
  readonly pinned: boolean;
  /** Somebody reads it, or it is being downloaded. */
  readonly inUse: boolean;
}
