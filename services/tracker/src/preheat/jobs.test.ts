import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Digest, PeerId } from '@shoal/core';
import type { CommandState } from '@shoal/protocol';
import { MemoryTables, type Tables } from '../store/tables.ts';
import { connectRedis } from '../store/redis/connection.ts';
import { Keys } from '../store/redis/keys.ts';
import { RedisTables } from '../store/redis/redis-tables.ts';
import { redisMissing, startRedisServer } from '../../test/redis-server.ts';
import { Jobs } from './jobs.ts';

const ttlMs = 1000;
const peerIdOf = (index: number): PeerId => String(index).padStart(40, '0') as PeerId;

const beatOf = (index: number, states: CommandState[] = []) => ({
  peer: {
    peerId: peerIdOf(index),
    incarnation: 1,
    address: '127.0.0.1:1',
    zone: index % 2 ? 'odd' : 'even',
    role: 'agent' as const,
  },
  node: { name: `node-${index}`, labels: ['disk=ssd'], version: '0.1.0' },
  states,
});

const conformance = (
  name: string,
  skip: string | false,
  withTables: (use: (tables: Tables) => Promise<void>) => Promise<void>,
): void => {
  void describe(name, { skip }, () => {
    it('asks the selected nodes until they have told, over any tracker, and sums up', () =>
      withTables(async (tables) => {
        let nowMs = 1_000_000;
        const clock = (): number => nowMs;
        const [one, other] = [new Jobs({ tables, clock, ttlMs }), new Jobs({ tables, clock, ttlMs })];
        for (let index = 0; index < 4; index++) await one.beat(beatOf(index));
        const work = { kind: 'preheat', image: 'team/app:1' } as const;
        const wanted = { id: 'a', nodes: 'zone=odd' };
        assert.equal((await one.create(work, wanted)).counts.waiting, 2);
        assert.deepEqual(await other.create(work, wanted), await one.state('a'), 'the same id again is the same job');
        await assert.rejects(one.create(work, { ...wanted, nodes: 'all' }), { code: 'JOB_CONFLICT' });

        const command = { kind: 'preheat', id: 'a', image: 'team/app:1' };
        assert.deepEqual(await other.beat(beatOf(1)), [command]);
        assert.deepEqual(await one.beat(beatOf(1)), [command], 'again, as nothing was told');
        assert.deepEqual(await other.beat(beatOf(2)), [], 'it is not selected');
        assert.deepEqual(await other.beat(beatOf(1, [{ id: 'a', state: 'running' }])), []);
        assert.deepEqual(await other.beat(beatOf(1)), [command], 'a node that was restarted is asked again');
        await one.beat(beatOf(1, [{ id: 'a', state: 'done', bytes: 7 }]));
        assert.deepEqual(await one.beat(beatOf(1)), []);
        assert.equal((await other.state('a'))?.state, 'running');

        nowMs += ttlMs + 1;
        const ended = await one.state('a');
        assert.deepEqual([ended?.state, ended?.counts.done, ended?.counts.lost], ['failed', 1, 1]);
        assert.equal(ended?.failures[0]?.name, 'node-3');
      }));

    it('takes the share of the nodes that match, and none without nodes', () =>
      withTables(async (tables) => {
        const work = { kind: 'preheat', image: 'team/app:1' } as const;
        const jobs = new Jobs({ tables, clock: () => 0, ttlMs });
        await assert.rejects(jobs.create(work), { code: 'NO_NODES' });
        for (let index = 0; index < 10; index++) await jobs.beat(beatOf(index));
        assert.equal((await jobs.create(work, { nodes: '25%' })).counts.waiting, 3);
        assert.equal((await jobs.create(work, { nodes: 'name=node-*|x,label.disk=ssd,zone=even' })).counts.waiting, 5);
        for (const nodes of ['0%', '101%', 'zone', 'host=a', 'zone=a b'])
          await assert.rejects(jobs.create(work, { nodes }), { code: 'INVALID_VALUE' }, nodes);
        await assert.rejects(jobs.create({ kind: 'preheat', image: 'Team/App' }), { code: 'NAME_INVALID' });
      }));

    it('has nodes drop blobs, apart from what is to be fetched', () =>
      withTables(async (tables) => {
        const jobs = new Jobs({ tables, clock: () => 0, ttlMs });
        await jobs.beat(beatOf(1));
        const digests = [`sha256:${'a'.repeat(64)}` as Digest];
        const { id, kind } = await jobs.create({ kind: 'purge', digests }, { id: 'p' });
        assert.deepEqual([id, kind], ['p', 'purge']);
        assert.deepEqual(await jobs.beat(beatOf(1)), [{ kind: 'purge', id: 'p', digests }]);
        await assert.rejects(jobs.create({ kind: 'preheat', image: 'p' }, { id: 'p' }), { code: 'JOB_CONFLICT' });
        assert.deepEqual([(await jobs.list('purge')).length, (await jobs.list('preheat')).length], [1, 0]);
      }));
  });
};

conformance('jobs in memory', false, async (use) => use(new MemoryTables(() => 0)));

conformance('jobs in Redis', redisMissing, async (use) => {
  await using server = await startRedisServer();
  const { promise: connected, resolve } = Promise.withResolvers<void>();
  const config = { url: server.url, sentinels: [], clusterNodes: [], timeoutMs: 10_000 };
  const redis = connectRedis(config, { connected: resolve, disconnected: () => {} });
  try {
    await connected;
    await use(new RedisTables(redis, new Keys('test')));
  } finally {
    redis.disconnect();
  }
});
