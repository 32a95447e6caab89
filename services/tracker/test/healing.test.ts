import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatAddress } from '@shoal/core';
import { Redis } from 'ioredis';
import { Tracker } from '../src/service.ts';
import { peer, swarmId } from '../src/store/peer-store-conformance.ts';
import { redisMissing, startRedisServer } from './redis-server.ts';
import { announceOf, testConfig, TrackerClient } from './tracker-client.ts';

/** Twenty peers in one swarm that do what a peer does: heartbeats, and all again when asked. */
class Crowd {
  announces = 0;
  readonly #client: TrackerClient;

  constructor(client: TrackerClient) {
    this.#client = client;
  }

  async join(): Promise<void> {
    await Promise.all(peers.map((self) => this.#announceAll(self)));
  }

  async beat(): Promise<void> {
    await Promise.all(
      peers.map(async (self) => {
        const { known } = await this.#client.heartbeat(self, 2);
        if (!known) await this.#announceAll(self);
      }),
    );
  }

  async seenBy(n: number, swarm: number): Promise<number> {
    const { swarms } = await this.#client.announce(peer(n), announceOf(swarm, { event: 'progress', want: 50 }));
    return swarms[0]?.peers.length ?? 0;
  }

  async #announceAll(self: ReturnType<typeof peer>): Promise<void> {
    this.announces += 1;
    await this.#client.announce(self, announceOf(1, { want: 0 }), announceOf(2, { event: 'complete', want: 0 }));
  }
}

const peers = Array.from({ length: 20 }, (_, index) => peer(index + 1));

const readiness = async (tracker: Tracker): Promise<{ status: number; checks: Record<string, string> }> => {
  const answer = await fetch(`http://${formatAddress(tracker.addresses.admin)}/readyz`);
  return { status: answer.status, checks: ((await answer.json()) as { checks: Record<string, string> }).checks };
};

it('a tracker that was restarted with an empty memory knows all peers again after one heartbeat each', async () => {
  const before = await Tracker.start(testConfig());
  const { port } = before.addresses.api;
  const crowd = new Crowd(new TrackerClient(before.addresses.api));
  await crowd.join();
  await before.stop();
  await using tracker = await Tracker.start(testConfig({ api: { port } }));
  assert.equal(tracker.addresses.api.port, port);
  await crowd.beat();
  assert.equal(await crowd.seenBy(1, 1), 19);
  assert.equal(await crowd.seenBy(1, 2), 19);
  await crowd.beat();
  assert.equal(crowd.announces, 40, 'once to join, once again, and then never more');
});

it('heals a peer whose "announce again" was lost on the way', async () => {
  await using tracker = await Tracker.start(testConfig());
  const client = new TrackerClient(tracker.addresses.api);
  const crowd = new Crowd(client);
  // The tracker has forgotten peer 1; its answer to this announce never arrives.
  await client.announce(peer(1), announceOf(1, { event: 'progress' }));
  await crowd.beat();
  assert.equal(await crowd.seenBy(2, 2), 19);
});

describe('tracker with redis', { skip: redisMissing, timeout: 60_000 }, () => {
  it('heals after FLUSHALL', async () => {
    await using server = await startRedisServer();
    await using tracker = await Tracker.start(testConfig({ redis: { url: server.url } }));
    while ((await readiness(tracker)).status !== 200) await sleep(10);
    const crowd = new Crowd(new TrackerClient(tracker.addresses.api));
    await crowd.join();
    assert.equal(await crowd.seenBy(1, 1), 19);
    const redis = new Redis(server.url);
    await redis.flushall();
    redis.disconnect();
    await crowd.beat();
    assert.equal(await crowd.seenBy(1, 1), 19);
    await crowd.beat();
    assert.equal(crowd.announces, 40);
  });

  it('starts without Redis, answers 503 with the reason, says so in readyz, and recovers by itself', async () => {
    await using server = await startRedisServer();
    await server.stop();
    await using tracker = await Tracker.start(testConfig({ redis: { url: server.url, timeoutMs: '500ms' } }));
    const client = new TrackerClient(tracker.addresses.api);
    await assert.rejects(client.announce(peer(1), announceOf(1)), /answered 503: redis: .*\(STORE_UNAVAILABLE\)/);
    const { status, checks } = await readiness(tracker);
    assert.equal(status, 503);
    assert.match(checks['store'] ?? '', /redis: /);
    const live = await fetch(`http://${formatAddress(tracker.addresses.admin)}/livez`);
    assert.equal(live.status, 200);
    await server.start();
    while ((await readiness(tracker)).status !== 200) await sleep(10);
    assert.equal((await client.announce(peer(1), announceOf(1))).again, true);
    assert.deepEqual((await client.lookup({ swarm: swarmId(1) })).swarms[0]?.peers.length, 1);
  });

  it('serves the same swarms from two trackers', async () => {
    await using server = await startRedisServer();
    const config = { redis: { url: server.url }, replicas: 2 };
    await using first = await Tracker.start(testConfig(config));
    await using second = await Tracker.start(testConfig(config));
    while ((await readiness(first)).status !== 200 || (await readiness(second)).status !== 200) await sleep(10);
    await new TrackerClient(first.addresses.api).announce(peer(1), announceOf(1));
    const { swarms } = await new TrackerClient(second.addresses.api).announce(peer(2), announceOf(1));
    assert.equal(swarms[0]?.peers[0]?.peerId, peer(1).peerId);
  });
});
