import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Digest, PeerId, SwarmId } from '@shoal/core';
import type { PeerSelf } from '@shoal/protocol';
import { PeerSupersededError } from './peer-store.ts';
import type { MembershipChange, PeerStore, StoreLimits } from './peer-store.ts';

/** What a suite run needs of an implementation. */
export interface StoreUnderTest {
  readonly store: PeerStore;
  /** How long a peer lives after its last sign. */
  readonly ttlMs: number;
  /** Lets time pass for the store. */
  pass(ms: number): Promise<void>;
}

export type MakeStore = (limits: StoreLimits) => Promise<StoreUnderTest>;

export const testLimits: StoreLimits = {
  peersMax: 1000,
  swarmsMax: 1000,
  membersPerSwarmMax: 1000,
  swarmsPerPeerMax: 1000,
};

export const peerId = (n: number): PeerId => n.toString(16).padStart(40, '0') as PeerId;
export const swarmId = (n: number): SwarmId => n.toString(16).padStart(64, '0') as SwarmId;
export const digestOf = (n: number): Digest => `sha256:${n.toString(16).padStart(64, '0')}` as Digest;

export const peer = (n: number, o: Partial<PeerSelf> = {}): PeerSelf => ({
  peerId: peerId(n),
  incarnation: 1,
  address: `10.0.0.${n % 250}:7021`,
  zone: '',
  role: 'agent',
  ...o,
});

export const joins = (swarm: number, o: Partial<MembershipChange> = {}): MembershipChange => ({
  swarm: swarmId(swarm),
  leave: false,
  complete: false,
  degree: 0,
  sample: 0,
  ...o,
});

/** The suite that every PeerStore passes; see the guarantees at the interface. */
export const peerStoreConformance = (name: string, make: MakeStore): void => {
  const membersOf = async (store: PeerStore, swarm: number, sample = 100): Promise<number[]> => {
    const found = await store.lookup({ swarm: swarmId(swarm) }, sample);
    return found
      .flatMap(({ members }) => members.map((member) => Number.parseInt(member.peerId, 16)))
      .toSorted((a, b) => a - b);
  };

  describe(`${name}: leases`, () => {
    it('gives the lease of a digest to one peer at a time, until it gives it back or is silent', async () => {
      const { store, pass } = await make(testLimits);
      const take = async (n: number, digest = 1, holdMs = 1000): Promise<number> => {
        const { peerId: id, address } = await store.lease(peer(n), digestOf(digest), holdMs);
        assert.equal(address, peer(Number.parseInt(id, 16)).address);
        return Number.parseInt(id, 16);
      };
      assert.deepEqual([await take(1), await take(2), await take(1)], [1, 1, 1]);
      assert.equal(await take(2, 2), 2, 'another digest');
      await take(2, 1, 0);
      assert.equal(await take(2), 1, 'only the holder gives it back');
      await take(1, 1, 0);
      assert.equal(await take(2), 2);
      await pass(1500);
      assert.deepEqual([await take(3), await take(2)], [3, 3]);
    });
  });

  describe(`${name}: memberships`, () => {
    it('gives back the others with what they said of themselves, never the one that asks', async () => {
      const { store } = await make(testLimits);
      await store.announce(peer(1, { zone: 'a', incarnation: 7 }), [joins(1, { complete: true, degree: 3 })]);
      const { members } = await store.announce(peer(2), [joins(1, { sample: 10 })]);
      assert.deepEqual(members, [[{ ...peer(1, { zone: 'a', incarnation: 7 }), complete: true, degree: 3 }]]);
    });

    it('gives back nobody where nobody is asked for', async () => {
      const { store } = await make(testLimits);
      await store.announce(peer(1), [joins(1)]);
      const { members } = await store.announce(peer(2), [joins(1), joins(2, { sample: 5 })]);
      assert.deepEqual(members, [[], []]);
    });

    it('says whether it knew the peer', async () => {
      const { store } = await make(testLimits);
      assert.equal((await store.announce(peer(1), [])).known, false);
      assert.equal((await store.announce(peer(1), [joins(1)])).known, true);
    });

    it('replaces what a member said before', async () => {
      const { store } = await make(testLimits);
      await store.announce(peer(1), [joins(1, { degree: 1 })]);
      await store.announce(peer(1), [joins(1, { degree: 9, complete: true })]);
      const [found] = await store.lookup({ swarm: swarmId(1) }, 10);
      assert.deepEqual(
        found?.members.map(({ degree, complete }) => ({ degree, complete })),
        [{ degree: 9, complete: true }],
      );
    });

    it('leaves at once, one swarm or all', async () => {
      const { store } = await make(testLimits);
      await store.announce(peer(1), [joins(1), joins(2)]);
      await store.announce(peer(1), [joins(1, { leave: true })]);
      assert.deepEqual([await membersOf(store, 1), await membersOf(store, 2)], [[], [1]]);
      await store.announce(peer(1), [joins(2, { leave: true }), joins(3, { leave: true })]);
      assert.deepEqual(await membersOf(store, 2), []);
    });

    it('gives every origin beside a sample of the agents', async () => {
      const { store } = await make(testLimits);
      for (let n = 1; n <= 30; n++) await store.announce(peer(n), [joins(1)]);
      for (let n = 31; n <= 33; n++) await store.announce(peer(n, { role: 'origin' }), [joins(1)]);
      const { members } = await store.announce(peer(1), [joins(1, { sample: 5 })]);
      const roles = members[0]?.map(({ role }) => role) ?? [];
      assert.equal(roles.filter((role) => role === 'origin').length, 3);
      assert.equal(roles.filter((role) => role === 'agent').length, 5);
      assert.equal(new Set(members[0]?.map((member) => member.peerId)).size, 8);
    });

    it('samples every agent about as often as another', async () => {
      const { store } = await make(testLimits);
      for (let n = 1; n <= 20; n++) await store.announce(peer(n), [joins(1)]);
      const seen = new Map<string, number>();
      for (let round = 0; round < 200; round++) {
        for (const { members } of await store.lookup({ swarm: swarmId(1) }, 5))
          for (const member of members) seen.set(member.peerId, (seen.get(member.peerId) ?? 0) + 1);
      }
      // 200 rounds of 5 of 20: 50 each in the mean, standard deviation 6; below 15 is more than 5 deviations off.
      assert.equal(seen.size, 20);
      assert.ok(Math.min(...seen.values()) >= 15, `least often seen: ${Math.min(...seen.values())}`);
    });
  });

  describe(`${name}: zones`, () => {
    const zoned = (n: number, zone: string, o: Partial<PeerSelf> = {}): PeerSelf => peer(n, { zone, ...o });
    const numbers = (ids: Iterable<string>): number[] =>
      [...ids].map((id) => Number.parseInt(id, 16)).toSorted((a, b) => a - b);
    const ask = async (store: PeerStore, self: PeerSelf, sample = 5) => {
      const { members, gateways } = await store.announce(self, [joins(1, { sample })]);
      const agents = members[0]?.filter(({ role }) => role === 'agent').map((member) => member.peerId) ?? [];
      return { agents: numbers(agents), gateways: gateways[0] && numbers(gateways[0]), members: members[0] ?? [] };
    };
    /** 1 to 30 in zone a, 101 to 130 in zone b, in turn. */
    const twoZones = async (store: PeerStore): Promise<void> => {
      for (let n = 1; n <= 30; n++) {
        await store.announce(zoned(n, 'a'), [joins(1)]);
        await store.announce(zoned(100 + n, 'b'), [joins(1)]);
      }
    };
    const upTo = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

    it('knows no gateways as long as all are in one zone, or in none', async () => {
      const { store } = await make(testLimits);
      for (let n = 1; n <= 12; n++) await store.announce(peer(n), [joins(1)]);
      assert.deepEqual(await ask(store, peer(13), 50).then(({ gateways, agents }) => [gateways, agents.length]), [
        undefined,
        12,
      ]);
    });

    it('gives agents of the own zone, and to its first joiners the gateways of the others', async () => {
      const { store } = await make(testLimits);
      await twoZones(store);
      const first = await ask(store, zoned(10, 'a'));
      assert.deepEqual(first.gateways, [...upTo(1, 10), ...upTo(101, 110)]);
      assert.deepEqual(first.agents.slice(-10), upTo(101, 110));
      assert.equal(first.agents.length, 15);
      assert.ok(first.agents.every((n) => n !== 10));
      const later = await ask(store, zoned(30, 'a'));
      assert.equal(later.gateways?.includes(30), false);
      assert.ok(later.agents.length === 5 && later.agents.every((n) => n < 100));
    });

    it('keeps the order of joining over later announces, and gives every origin', async () => {
      const { store } = await make(testLimits);
      await twoZones(store);
      await store.announce(zoned(500, 'c', { role: 'origin' }), [joins(1)]);
      for (let n = 30; n >= 1; n--) await store.announce(zoned(n, 'a'), [joins(1, { degree: n, complete: true })]);
      const { gateways, members } = await ask(store, zoned(101, 'b'));
      assert.deepEqual(gateways, [...upTo(1, 10), ...upTo(101, 110)]);
      assert.equal(members.filter(({ role }) => role === 'origin').length, 1);
    });

    it('replaces gateways that left or died by the next joiners', async () => {
      const { store, ttlMs, pass } = await make(testLimits);
      await twoZones(store);
      await store.announce(zoned(1, 'a'), [joins(1, { leave: true })]);
      await pass(ttlMs * 0.6);
      for (let n = 4; n <= 30; n++) await store.heartbeat(zoned(n, 'a'));
      for (let n = 101; n <= 130; n++) await store.heartbeat(zoned(n, 'b'));
      await pass(ttlMs * 0.6);
      const { gateways, agents } = await ask(store, zoned(101, 'b'));
      assert.deepEqual(gateways, [...upTo(4, 13), ...upTo(101, 110)]);
      assert.deepEqual(
        agents.filter((n) => n < 100),
        upTo(4, 13),
      );
    });

    it('forgets a zone with its last member, and the former zone of one that moved', async () => {
      const { store } = await make(testLimits);
      await store.announce(zoned(1, 'a'), [joins(1)]);
      await store.announce(zoned(2, 'b'), [joins(1)]);
      await store.announce(zoned(3, 'b'), [joins(1)]);
      await store.announce(zoned(1, 'b', { incarnation: 2 }), [joins(1)]);
      await ask(store, zoned(2, 'b'));
      const { gateways, agents } = await ask(store, zoned(3, 'b'));
      assert.deepEqual([gateways, agents], [undefined, [1, 2]]);
    });
  });

  describe(`${name}: digests`, () => {
    it('finds the swarms of a digest, one for each piece length', async () => {
      const { store } = await make(testLimits);
      await store.announce(peer(1), [
        joins(1, { digest: digestOf(5) }),
        joins(2, { digest: digestOf(5) }),
        joins(3, { digest: digestOf(6) }),
      ]);
      const found = await store.lookup({ digest: digestOf(5) }, 10);
      assert.deepEqual(found.map(({ swarm }) => swarm).toSorted(), [swarmId(1), swarmId(2)]);
      assert.deepEqual(
        found.map(({ digest }) => digest),
        [digestOf(5), digestOf(5)],
      );
    });

    it('finds nothing under a digest that nobody has any more', async () => {
      const { store } = await make(testLimits);
      await store.announce(peer(1), [joins(1, { digest: digestOf(5) })]);
      await store.announce(peer(1), [joins(1, { leave: true })]);
      assert.deepEqual(await store.lookup({ digest: digestOf(5) }, 10), []);
      assert.deepEqual(await store.lookup({ digest: digestOf(77) }, 10), []);
      assert.deepEqual(await store.lookup({ swarm: swarmId(77) }, 10), []);
    });
  });

  describe(`${name}: life of a peer`, () => {
    it('drops a silent peer and keeps one with heartbeats', async () => {
      const { store, ttlMs, pass } = await make(testLimits);
      await store.announce(peer(1), [joins(1)]);
      await store.announce(peer(2), [joins(1)]);
      await pass(ttlMs * 0.6);
      assert.equal(await store.heartbeat(peer(2)), true);
      await pass(ttlMs * 0.6);
      assert.deepEqual(await membersOf(store, 1), [2]);
      assert.equal(await store.heartbeat(peer(1)), false);
      assert.equal((await store.announce(peer(1), [])).known, false);
      assert.deepEqual(await membersOf(store, 1), [2], 'a peer that comes back has to announce its swarms again');
    });

    it('finds the living among many dead', async () => {
      const { store, ttlMs, pass } = await make(testLimits);
      for (let n = 1; n <= 60; n++) await store.announce(peer(n), [joins(1)]);
      await pass(ttlMs * 0.6);
      await store.heartbeat(peer(60));
      await pass(ttlMs * 0.6);
      let found: number[] = [];
      for (let round = 0; round < 20 && found.length === 0; round++) found = await membersOf(store, 1, 5);
      assert.deepEqual(found, [60]);
    });

    it('does not know a peer it never heard of, and a heartbeat does not make it known', async () => {
      const { store } = await make(testLimits);
      assert.equal(await store.heartbeat(peer(1)), false);
      assert.equal(await store.heartbeat(peer(1)), false);
    });

    it('asks for all again when it holds fewer memberships than the peer believes', async () => {
      const { store } = await make(testLimits);
      await store.announce(peer(1), [joins(1), joins(2)]);
      assert.equal(await store.heartbeat(peer(1), 2), true);
      assert.equal(await store.heartbeat(peer(1), 3), false);
    });

    it('replaces a dead incarnation: its memberships are gone', async () => {
      const { store } = await make(testLimits);
      await store.announce(peer(1), [joins(1), joins(2)]);
      const { known } = await store.announce(peer(1, { incarnation: 2, address: '10.9.9.9:7021' }), [joins(1)]);
      assert.equal(known, false);
      assert.deepEqual([await membersOf(store, 1), await membersOf(store, 2)], [[1], []]);
      const [found] = await store.lookup({ swarm: swarmId(1) }, 10);
      assert.equal(found?.members[0]?.address, '10.9.9.9:7021');
      assert.equal(await store.heartbeat(peer(1, { incarnation: 3 })), false);
    });

    it('refuses an incarnation that was replaced', async () => {
      const { store } = await make(testLimits);
      await store.announce(peer(1, { incarnation: 5 }), [joins(1)]);
      await assert.rejects(store.announce(peer(1, { incarnation: 4 }), [joins(2)]), PeerSupersededError);
      await assert.rejects(store.heartbeat(peer(1, { incarnation: 4 })), PeerSupersededError);
      assert.deepEqual([await membersOf(store, 1), await membersOf(store, 2)], [[1], []]);
    });
  });

  describe(`${name}: bounds and views`, () => {
    it('keeps a peer in so many swarms, and says how many it refused', async () => {
      const { store } = await make({ ...testLimits, swarmsPerPeerMax: 2 });
      assert.equal((await store.announce(peer(1), [joins(1), joins(2), joins(3)])).refused, 1);
      assert.equal((await store.announce(peer(1), [joins(1), joins(2, { leave: true })])).refused, 0);
      assert.equal((await store.announce(peer(1), [joins(3)])).refused, 0);
      assert.deepEqual(await Promise.all([1, 2, 3].map((swarm) => membersOf(store, swarm))), [[1], [], [1]]);
    });

    it('does not ask for all again because of what it refused', async () => {
      const { store } = await make({ ...testLimits, swarmsPerPeerMax: 2 });
      await store.announce(peer(1), [joins(1), joins(2), joins(3)]);
      assert.equal(await store.heartbeat(peer(1), 3), true);
    });

    it('keeps so many members of a swarm; one too many still gets peers', async () => {
      const { store } = await make({ ...testLimits, membersPerSwarmMax: 2 });
      await store.announce(peer(1), [joins(1)]);
      await store.announce(peer(2), [joins(1)]);
      const { refused, members } = await store.announce(peer(3), [joins(1, { sample: 10 })]);
      assert.equal(refused, 1);
      assert.equal(members[0]?.length, 2);
      assert.deepEqual(await membersOf(store, 1), [1, 2]);
    });

    it('counts peers and swarms, and forgets the dead', async () => {
      const { store, ttlMs, pass } = await make(testLimits);
      await store.announce(peer(1), [joins(1), joins(2)]);
      await store.announce(peer(2), [joins(2)]);
      assert.deepEqual(await store.counts(), { peers: 2, swarms: 2 });
      await pass(ttlMs * 1.2);
      assert.equal((await store.counts()).peers, 0);
    });

    it('pages through all swarms', async () => {
      const { store } = await make(testLimits);
      await store.announce(
        peer(1, { role: 'origin' }),
        Array.from({ length: 500 }, (_, index) => joins(index, { complete: true, digest: digestOf(index) })),
      );
      await store.announce(peer(2), [joins(7)]);
      const seen = new Map<string, unknown>();
      let cursor: string | undefined;
      let pages = 0;
      do {
        const { swarms, next } = await store.page(cursor, 50);
        for (const summary of swarms) seen.set(summary.swarm, summary);
        cursor = next;
        pages += 1;
      } while (cursor !== undefined);
      assert.equal(seen.size, 500);
      assert.ok(pages > 2);
      assert.deepEqual(seen.get(swarmId(7)), {
        swarm: swarmId(7),
        digest: digestOf(7),
        agents: 1,
        origins: 1,
        complete: 1,
      });
    });

    it('has no problem', async () => {
      const { store } = await make(testLimits);
      assert.equal(await store.problem(), undefined);
    });
  });
};
