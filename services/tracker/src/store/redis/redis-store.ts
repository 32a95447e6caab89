import type { Digest, PeerId, Prng, SwarmId } from '@shoal/core';
import type { PeerSelf } from '@shoal/protocol';
import { originsPerSwarmMax, PeerSupersededError, swarmsPerDigestMax } from '../peer-store.ts';
import type {
  LeaseHolder,
  AnnounceOutcome,
  FoundSwarm,
  Member,
  MembershipChange,
  PeerStore,
  StoreCounts,
  StoreLimits,
  SwarmPage,
} from '../peer-store.ts';
import { leaseHolderOf } from '../leases.ts';
import { type ZoneView, zoneView } from '../zone-view.ts';
import type { RedisConnection } from './connection.ts';
import { unavailable } from './connection.ts';
import { Keys } from './keys.ts';
import { LiveMembers, type Sampled } from './live-members.ts';
import { encodeMember } from './member-codec.ts';
import { runScript, scripts } from './scripts.ts';
import { type MemberResult, SwarmMembers, swarmTtlMs } from './swarm-members.ts';
import { RedisTables } from './redis-tables.ts';
import { pageOfSwarms } from './swarm-pages.ts';

export interface RedisStoreOptions {
  readonly redis: RedisConnection;
  readonly clusterId: string;
  readonly ttlMs: number;
  readonly limits: StoreLimits;
  /** Milliseconds since the epoch; trackers of one cluster agree on it within seconds. */
  readonly clock: () => number;
  readonly prng: Prng;
}

/** How often the swarms of a peer that only sends heartbeats are renewed. */
const refreshMs = 3_600_000;

/** The peers of any number of trackers, in Redis 6.2 or later; see keys.ts for what is kept where. */
export class RedisPeerStore implements PeerStore {
  readonly tables: RedisTables;
  readonly #o: RedisStoreOptions;
  readonly #keys: Keys;
  readonly #members: SwarmMembers;
  readonly #live: LiveMembers;

  constructor(options: RedisStoreOptions) {
    this.#o = options;
    this.#keys = new Keys(options.clusterId);
    this.tables = new RedisTables(options.redis, this.#keys);
    this.#members = new SwarmMembers(options.redis, this.#keys);
    this.#live = new LiveMembers(options.redis, this.#keys, options.prng);
  }

  announce(peer: PeerSelf, changes: readonly MembershipChange[]): Promise<AnnounceOutcome> {
    return this.#guard(async () => {
      const joins = changes.filter(({ leave }) => !leave).map(({ swarm }) => swarm);
      const leaves = changes.filter(({ leave }) => leave).map(({ swarm }) => swarm);
      const [known, kept] = (await this.#run(scripts.peerAnnounce, this.#keys.peer(peer.peerId), [
        peer.incarnation,
        JSON.stringify(peer),
        this.#o.ttlMs,
        this.#o.limits.swarmsPerPeerMax,
        joins.length,
        ...joins,
        ...leaves,
      ])) as [number, number[]];
      if (known === -1) throw new PeerSupersededError(peer);
      const keptSwarms = new Set(joins.filter((_, index) => kept[index] === 1));
      const [results] = await Promise.all([
        Promise.all(changes.map((change) => this.#change(peer, change, keptSwarms.has(change.swarm)))),
        this.#index(peer.peerId, [...keptSwarms]),
        ...changes.map(({ swarm, digest }) =>
          digest && keptSwarms.has(swarm) ? this.#nameDigest(digest, swarm) : undefined,
        ),
      ]);
      const sampled = await this.#live.resolve(
        results.map((result, index) => this.#sampled(peer, changes[index] as MembershipChange, result)),
      );
      const views = await Promise.all(
        results.map((result, index) =>
          this.#view(peer, (changes[index] as MembershipChange).swarm, result, sampled[index] ?? []),
        ),
      );
      return {
        known: known === 1,
        members: views.map(({ members }) => members),
        gateways: views.map(({ gateways }) => gateways),
        places: views.map(({ place }) => place),
        refused: results.filter(({ done }) => !done).length,
      };
    });
  }

  heartbeat(peer: PeerSelf, swarms = 0): Promise<boolean> {
    return this.#guard(async () => {
      const nowMs = this.#o.clock();
      const [known, kept, due] = (await this.#run(scripts.peerHeartbeat, this.#keys.peer(peer.peerId), [
        peer.incarnation,
        this.#o.ttlMs,
        nowMs,
        refreshMs,
      ])) as [number, number, number];
      if (known === -1) throw new PeerSupersededError(peer);
      if (known === 0) return false;
      await this.#index(peer.peerId, []);
      if (due === 1 && !(await this.#refreshSwarms(peer))) return false;
      return kept >= swarms;
    });
  }

  lookup(key: { readonly swarm: SwarmId } | { readonly digest: Digest }, sample: number): Promise<FoundSwarm[]> {
    return this.#guard(async () => {
      const ids =
        'swarm' in key
          ? [key.swarm]
          : ((await this.#o.redis.srandmember(this.#keys.digest(key.digest), swarmsPerDigestMax)) as SwarmId[]);
      const draw = (swarm: SwarmId): Promise<MemberResult> =>
        this.#members.call(swarm, { ...nobody, sample: Math.max(1, sample) });
      const read = await Promise.all(ids.map(draw));
      const members = await this.#live.resolve(
        read.map(({ members: stored }, index) => {
          const swarm = ids[index] as SwarmId;
          return { swarm, stored, sample, again: async () => (await draw(swarm)).members };
        }),
      );
      const found = ids.map((swarm, index) => ({ swarm, digest: read[index]?.digest, members: members[index] ?? [] }));
      const gone = found.filter((_, index) => read[index]?.members.length === 0).map(({ swarm }) => swarm);
      if ('digest' in key && gone.length > 0) await this.#o.redis.srem(this.#keys.digest(key.digest), ...gone);
      return found.filter((swarm) => swarm.members.length > 0);
    });
  }

  lease({ peerId, address }: LeaseHolder, digest: Digest, holdMs: number): Promise<LeaseHolder> {
    return this.#guard(async () =>
      leaseHolderOf(String(await this.#run(scripts.lease, [this.#keys.lease(digest)], [peerId, address, holdMs]))),
    );
  }

  page(cursor: string | undefined, limit: number): Promise<SwarmPage> {
    return this.#guard(() => pageOfSwarms(this.#o.redis, this.#keys, cursor, limit));
  }

  counts(): Promise<StoreCounts> {
    return this.#guard(async () => {
      const { redis, clock } = this.#o;
      const nowMs = clock();
      const indexes = [this.#keys.peers, this.#keys.swarms] as const;
      await Promise.all(indexes.map((key) => redis.zremrangebyscore(key, '-inf', nowMs)));
      const [peers = 0, swarms = 0] = await Promise.all(indexes.map((key) => redis.zcard(key)));
      return { peers, swarms };
    });
  }

  async problem(): Promise<string | undefined> {
    try {
      await this.#guard(() => this.#o.redis.ping());
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#o.redis.disconnect();
  }

  async #change(peer: PeerSelf, change: MembershipChange, kept: boolean): Promise<MemberResult> {
    const result = await this.#members.call(change.swarm, {
      operation: change.leave ? 'drop' : kept ? 'put' : 'read',
      role: peer.role,
      peerId: peer.peerId,
      zone: peer.zone,
      member: encodeMember(peer, change),
      membersMax: peer.role === 'origin' ? originsPerSwarmMax : this.#o.limits.membersPerSwarmMax,
      digest: change.digest,
      sample: change.sample,
    });
    return { ...result, done: change.leave || (kept && result.done) };
  }

  #sampled({ peerId, zone }: PeerSelf, { swarm, sample }: MembershipChange, { members, zones }: MemberResult): Sampled {
    return {
      swarm,
      stored: members,
      zone: zones.length > 0 ? zone : undefined,
      sample,
      except: peerId,
      again: async () => (await this.#members.call(swarm, { ...nobody, peerId, zone, sample })).members,
    };
  }

  /** What one of several zones gets: its sample of the zone, and for a gateway the gateways of the others. */
  async #view(
    self: PeerSelf,
    swarm: SwarmId,
    { zones, isEarly }: MemberResult,
    sampled: readonly Member[],
  ): Promise<{
    members: readonly Member[];
    gateways: ZoneView['gateways'] | undefined;
    place: ZoneView['place'];
  }> {
    if (zones.length === 0) return { members: sampled, gateways: undefined, place: undefined };
    if (!isEarly) return { members: sampled, gateways: new Set(), place: undefined };
    const first = async (among: readonly string[]): Promise<Member[][]> => {
      const stored = await this.#members.first(swarm, among);
      return this.#live.resolve(
        among.map((zone, index) => ({
          swarm,
          stored: stored[index] ?? [],
          zone,
          sample: Infinity,
          again: async () => (await this.#members.first(swarm, [zone]))[0] ?? [],
        })),
      );
    };
    const { agents, gateways, place } = zoneView(
      self,
      sampled.filter(({ role }) => role === 'agent'),
      await first([...new Set([self.zone, ...zones])]),
    );
    return { members: [...sampled.filter(({ role }) => role === 'origin'), ...agents], gateways, place };
  }

  async #nameDigest(digest: Digest, swarm: SwarmId): Promise<void> {
    const key = this.#keys.digest(digest);
    await Promise.all([this.#o.redis.sadd(key, swarm), this.#o.redis.pexpire(key, swarmTtlMs)]);
  }

  async #index(peerId: PeerId, swarms: readonly SwarmId[]): Promise<void> {
    const { redis, clock, ttlMs } = this.#o;
    const nowMs = clock();
    const scored = swarms.flatMap((swarm) => [nowMs + swarmTtlMs, swarm]);
    await Promise.all([
      redis.zadd(this.#keys.peers, nowMs + ttlMs, peerId),
      scored.length > 0 && redis.zadd(this.#keys.swarms, ...scored),
    ]);
  }

  /** Renews the swarms of a peer that has nothing to announce. False when one of them is lost. */
  async #refreshSwarms({ peerId, zone }: PeerSelf): Promise<boolean> {
    const swarms = (await this.#o.redis.smembers(this.#keys.peer(peerId)[1])) as SwarmId[];
    const touched = await Promise.all(
      swarms.map(
        (swarm) =>
          this.#run(scripts.swarmTouch, this.#keys.membership(swarm, zone), [peerId, swarmTtlMs]) as Promise<
            [number, string]
          >,
      ),
    );
    await Promise.all([
      this.#index(peerId, swarms),
      ...swarms.map((swarm, index) =>
        touched[index]?.[1] ? this.#nameDigest(touched[index][1] as Digest, swarm) : undefined,
      ),
    ]);
    return touched.every(([member]) => member === 1);
  }

  #run(
    script: (typeof scripts)[keyof typeof scripts],
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    return runScript(this.#o.redis, script, keys, args);
  }

  async #guard<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof PeerSupersededError) throw error;
      throw unavailable(error);
    }
  }
}

/** Reads a swarm without being a member of it. */
const nobody = {
  operation: 'read',
  role: 'agent',
  peerId: '',
  zone: '',
  member: '',
  membersMax: 0,
  digest: undefined,
} as const;
