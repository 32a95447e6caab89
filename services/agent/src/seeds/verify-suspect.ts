import type { CachedBlob } from '@shoal/store';
import type { AgentEvents } from '../events.ts';

const underWay = new WeakSet<CachedBlob>();

/** Hashes again what a blob claims to hold from before an unclean stop; concurrent calls share one pass and one report. */
export const verifySuspect = async (
  blob: CachedBlob,
  events: Pick<AgentEvents, 'cacheVerified'>,
  signal?: AbortSignal,
): Promise<void> => {
  if (!blob.suspect) return;
  const reports = !underWay.has(blob);
  underWay.add(blob);
  const { verifiedBytes, rejected } = await blob.verify(signal ? { signal } : {});
  if (reports) events.cacheVerified(blob.digest, verifiedBytes, rejected);
};
