import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededPrng } from '@shoal/core';
import { Redis } from 'ioredis';
import { redisMissing, startRedisServer } from '../../../test/redis-server.ts';
import type { RedisServer } from '../../../test/redis-server.ts';
import type { StoreLimits } from '../peer-store.ts';
import { peerStoreConformance } from '../peer-store-conformance.ts';
import type { RedisConnection } from './connection.ts';
import { connectRedis } from './connection.ts';
import { RedisPeerStore } from './redis-store.ts';

const ttlMs = 600_000;

/** One server in cluster mode owns every slot, and still refuses a script whose keys are in two of them. */
describe('redis cluster peer store', { skip: redisMissing, timeout: 60_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-redis-'));
  let server: RedisServer;
  let node: Redis;
  let redis: RedisConnection;
  let clusters = 0;

  before(async () => {
    server = await startRedisServer([
      '--cluster-enabled',
      'yes',
      '--cluster-announce-ip',
      '127.0.0.1',
      '--dir',
      folder,
    ]);
    node = new Redis(server.url);
    await node.cluster('ADDSLOTSRANGE', 0, 16_383);
    while (!(await node.cluster('INFO')).includes('cluster_state:ok')) await sleep(20);
    const { promise, resolve } = Promise.withResolvers<void>();
    const clusterNodes = [{ host: '127.0.0.1', port: server.port }];
    redis = connectRedis(
      { sentinels: [], clusterNodes, timeoutMs: 1000 },
      { connected: resolve, disconnected: () => {} },
    );
    await promise;
  });
  after(async () => {
    node.disconnect();
    redis.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  peerStoreConformance('redis cluster', async (limits: StoreLimits) => {
    let nowMs = Date.now();
    const clusterId = `test-${++clusters}`;
    const store = new RedisPeerStore({ redis, clusterId, ttlMs, limits, clock: () => nowMs, prng: seededPrng(1) });
    const pass = async (ms: number): Promise<void> => {
      nowMs += ms;
      for (const key of await node.keys(`shoal:${clusterId}:*`)) {
        const leftMs = await node.pttl(key);
        if (leftMs > 0) await node.pexpire(key, leftMs - ms);
      }
    };
    return { store, ttlMs, pass };
  });
});
