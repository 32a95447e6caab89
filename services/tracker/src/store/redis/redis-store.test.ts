import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { seededPrng } from '@shoal/core';
import { StoreUnavailableError } from '../peer-store.ts';
import type { StoreLimits } from '../peer-store.ts';
import { digestOf, joins, peer, peerStoreConformance, swarmId, testLimits } from '../peer-store-conformance.ts';
import type { RedisConnection } from './connection.ts';
import { connectRedis } from './connection.ts';
import { redisMissing, startRedisServer } from '../../../test/redis-server.ts';
import type { RedisServer } from '../../../test/redis-server.ts';
import { RedisPeerStore } from './redis-store.ts';

const ttlMs = 600_000;
const prng = seededPrng(1);

describe('redis peer store', { skip: redisMissing, timeout: 60_000 }, () => {
  let server: RedisServer;
  let redis: RedisConnection;
  let clusters = 0;

  const connect = async (url: string): Promise<RedisConnection> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const config = { url, sentinels: [], clusterNodes: [], timeoutMs: 1000 };
    const connection = connectRedis(config, { connected: resolve, disconnected: () => {} });
    await promise;
    return connection;
  };

  before(async () => {
    server = await startRedisServer();
    redis = await connect(server.url);
  });
  after(async () => {
    redis.disconnect();
    await server.stop();
  });

  /** Redis has a clock of its own: time passes for it by taking it from what each key has left. */
  const age = async (prefix: string, ms: number): Promise<void> => {
    for (const key of await redis.keys(`${prefix}*`)) {
      const leftMs = await redis.pttl(key);
      if (leftMs > 0) await redis.pexpire(key, leftMs - ms);
    }
  };

  /** Each store has key names of its own. */
  const make = async (limits: StoreLimits = testLimits) => {
    let nowMs = Date.now();
    const clusterId = `test-${++clusters}`;
    const store = new RedisPeerStore({ redis, clusterId, ttlMs, limits, clock: () => nowMs, prng });
    const pass = async (ms: number): Promise<void> => {
      nowMs += ms;
      await age(`shoal:${clusterId}:`, ms);
    };
    return { store, ttlMs, pass };
  };

  peerStoreConformance('redis', make);

  it('runs its scripts again after SCRIPT FLUSH', async () => {
    const { store } = await make();
    await store.announce(peer(1), [joins(1)]);
    await redis.script('FLUSH');
    const { members } = await store.announce(peer(2), [joins(1, { sample: 5 })]);
    assert.equal(members[0]?.length, 1);
  });

  it('does not know the peers any more after FLUSHALL', async () => {
    const { store } = await make();
    await store.announce(peer(1), [joins(1)]);
    await redis.flushall();
    assert.equal(await store.heartbeat(peer(1)), false);
    assert.equal((await store.announce(peer(1), [joins(1)])).known, false);
    assert.equal((await store.lookup({ swarm: swarmId(1) }, 5))[0]?.members.length, 1);
  });

  it('is shared by two trackers', async () => {
    const { store } = await make();
    await using other = new RedisPeerStore({
      redis: await connect(server.url),
      clusterId: `test-${clusters}`,
      ttlMs,
      limits: testLimits,
      clock: Date.now,
      prng,
    });
    await store.announce(peer(1), [joins(1, { digest: digestOf(1) })]);
    assert.equal((await other.lookup({ digest: digestOf(1) }, 5))[0]?.members.length, 1);
    assert.equal(await other.heartbeat(peer(1)), true);
  });

  it('gives every key but the two indexes an end', async () => {
    const { store } = await make();
    await store.announce(peer(1), [joins(1, { digest: digestOf(1) })]);
    await store.announce(peer(2, { role: 'origin' }), [joins(1, { digest: digestOf(1) })]);
    const keys = await redis.keys(`shoal:test-${clusters}:*`);
    const ends = await Promise.all(keys.map(async (key) => ({ key, ttl: await redis.pttl(key) })));
    const endless = ends.filter(({ ttl }) => ttl < 0).map(({ key }) => key.replace(/^shoal:test-\d+:/, ''));
    assert.deepEqual(endless.toSorted(), ['peers', 'swarms']);
    assert.equal(keys.length, 13);
  });

  it('drops dead members from the swarm when they are met', async () => {
    const { store, pass } = await make();
    await store.announce(peer(1), [joins(1)]);
    await pass(ttlMs * 1.2);
    await store.announce(peer(2), [joins(1, { sample: 5 })]);
    assert.equal(await redis.hlen(`shoal:test-${clusters}:swarm:{${swarmId(1)}}`), 1);
  });

  it('asks for all again when a swarm it should renew is lost', async () => {
    let nowMs = Date.now();
    const cluster = `test-${++clusters}`;
    const store = new RedisPeerStore({
      redis,
      clusterId: cluster,
      ttlMs: 60_000,
      limits: testLimits,
      clock: () => nowMs,
      prng,
    });
    await store.announce(peer(1), [joins(1, { digest: digestOf(1) }), joins(2)]);
    assert.equal(await store.heartbeat(peer(1)), true);
    nowMs += 3_700_000;
    await redis.pexpire(`shoal:${cluster}:swarm:{${swarmId(1)}}`, 60_000);
    assert.equal(await store.heartbeat(peer(1)), true);
    assert.ok((await redis.pttl(`shoal:${cluster}:swarm:{${swarmId(1)}}`)) > 3_600_000, 'renewed');
    nowMs += 3_700_000;
    await redis.del(`shoal:${cluster}:swarm:{${swarmId(2)}}`);
    assert.equal(await store.heartbeat(peer(1)), false);
  });

  it('fails with the reason while Redis is away, and works again when it is back', async () => {
    await using own = await startRedisServer();
    const events: string[] = [];
    const back = Promise.withResolvers<void>();
    const connection = connectRedis(
      { url: own.url, sentinels: [], clusterNodes: [], timeoutMs: 500 },
      {
        connected: () => {
          events.push('connected');
          if (events.includes('lost')) back.resolve();
        },
        disconnected: () => events.push('lost'),
      },
    );
    await using store = new RedisPeerStore({
      redis: connection,
      clusterId: 'c',
      ttlMs: 10_000,
      limits: testLimits,
      clock: Date.now,
      prng,
    });
    while ((await store.problem()) !== undefined) await sleep(10);
    await store.announce(peer(1), [joins(1)]);
    await own.stop();
    await assert.rejects(store.announce(peer(1), [joins(1)]), StoreUnavailableError);
    assert.match((await store.problem()) ?? '', /redis/);
    await own.start();
    await back.promise;
    assert.equal((await store.announce(peer(1), [joins(1)])).known, false);
  });

  it('gives up on a Redis that hangs', async () => {
    await using own = await startRedisServer();
    const connection = await connect(own.url);
    await using store = new RedisPeerStore({
      redis: connection,
      clusterId: 'c',
      ttlMs: 10_000,
      limits: testLimits,
      clock: Date.now,
      prng,
    });
    await store.announce(peer(1), [joins(1)]);
    own.hang();
    await assert.rejects(store.announce(peer(1), [joins(1)]), StoreUnavailableError);
  });
});
