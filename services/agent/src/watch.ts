import { folderRoom } from '@shoal/service';
import type { Ground } from './ground.ts';
import type { AgentMetrics } from './metrics.ts';
import type { PullSide } from './pull-side.ts';
import type { SwarmSide } from './swarm-side.ts';

/** What the gauges of an agent read at each scrape. */
export const watch = (
  metrics: AgentMetrics,
  { cache, origins, config }: Ground,
  { seeds, exchange, announcer, tracker }: SwarmSide,
  { pulls }: PullSide,
): void =>
  metrics.read({
    cachePinned: () => cache.pinnedBytes,
    cacheBytes: () => cache.stats().bytes,
    cacheQuota: () => cache.stats().quotaBytes,
    cacheBlobs: () => cache.stats().blobs,
    folderFree: async () => (await folderRoom(config.cache.folder)).freeBytes,
    downloadsActive: () => pulls.count,
    seeding: () => seeds.size,
    links: () => exchange.stats().links,
    uploadsActive: () => exchange.stats().uploadsRunning,
    uploadsWaiting: () => exchange.stats().uploadsWaiting,
    announcesWaiting: () => announcer.waitingCount,
    trackerReachable: () => (tracker.lastError === undefined ? 1 : 0),
    originsReachable: () => origins.reachable,
  });
