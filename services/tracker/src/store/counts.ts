import type { TrackerMetrics } from '../metrics.ts';
import type { PeerStore, StoreCounts } from './peer-store.ts';

/** A scrape reads both gauges; they share one question to the store. */
const freshMs = 1000;

/** `shoal_tracker_peers` and `shoal_tracker_swarms`, counted when somebody looks. Without an answer of the store they keep their last value. */
export const watchCounts = (metrics: TrackerMetrics, store: PeerStore, clock: () => number): void => {
  let last: StoreCounts = { peers: 0, swarms: 0 };
  let asked: Promise<StoreCounts> | undefined;
  let askedMs = -Infinity;
  const counts = async (): Promise<StoreCounts> => {
    if (!asked || clock() - askedMs > freshMs) {
      asked = store.counts();
      askedMs = clock();
    }
    try {
      last = await asked;
    } catch {
      asked = undefined;
    }
    return last;
  };
  metrics.read({
    peers: async () => (await counts()).peers,
    swarms: async () => (await counts()).swarms,
    storeReachable: async () => ((await store.problem()) === undefined ? 1 : 0),
  });
};
