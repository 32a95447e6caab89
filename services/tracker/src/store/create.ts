import type { Prng } from '@shoal/core';
import type { TrackerConfig } from '../config.ts';
import { usesRedis } from '../config.ts';
import type { TrackerEvents } from '../events.ts';
import { MemoryPeerStore } from './memory-store.ts';
import type { PeerStore } from './peer-store.ts';

export interface StoreContext {
  readonly events: TrackerEvents;
  readonly clock: () => number;
  readonly prng: Prng;
}

/** The store that the configuration asks for. The Redis client is loaded only where it is used. */
export const createStore = async (config: TrackerConfig, { events, clock, prng }: StoreContext): Promise<PeerStore> => {
  const {
    heartbeat: { ttlMs },
    limits,
  } = config;
  if (!usesRedis(config)) return new MemoryPeerStore({ ttlMs, limits, clock, prng });
  const [{ connectRedis }, { RedisPeerStore }] = await Promise.all([
    import('./redis/connection.ts'),
    import('./redis/redis-store.ts'),
  ]);
  const redis = connectRedis(config.redis, { connected: events.storeConnected, disconnected: events.storeLost });
  return new RedisPeerStore({ redis, clusterId: config.cluster.id, ttlMs, limits, clock, prng });
};
