import { MemoryTables, type Tables } from './tables.ts';
import type { Digest, PeerId, Prng, SwarmId } from '@shoal/core';
import type { PeerSelf } from '@shoal/protocol';
import { gatewaysPerZone } from '@shoal/swarm';
import { Leases } from './leases.ts';
import { MemberList } from './member-list.ts';
import {
  leasesMax,
  originsPerSwarmMax,
  PeerSupersededError,
  StoreUnavailableError,
  swarmsPerDigestMax,
  zonesPerSwarmMax,
} from './peer-store.ts';
import type {
  AnnounceOutcome,
  FoundSwarm,
  LeaseHolder,
  Member,
  MembershipChange,
  PeerStore,
  StoreCounts,
  StoreLimits,
  SwarmPage,
  SwarmSummary,
} from './peer-store.ts';
import { type ZoneView, zoneView } from './zone-view.ts';

interface KnownPeer {
  readonly self: PeerSelf;
  readonly swarms: Set<SwarmId>;
  /** Memberships that a limit kept out: the peer counts them as announced. */
  refused: number;
  readonly expiresMs: number;
}

interface Swarm {
  /** Grows from swarm to swarm, so it is the order of the map and a place to continue from. */
  readonly serial: number;
  digest: Digest | undefined;
  readonly agents: MemberList<Member>;
  /** The same agents by their zones; no list is empty. */
  readonly zones: Map<string, MemberList<Member>>;
  readonly origins: MemberList<Member>;
}

export interface MemoryStoreOptions {
  readonly ttlMs: number;
  readonly limits: StoreLimits;
  readonly clock: () => number;
  readonly prng: Prng;
}

/**
 * The peers of one tracker. Peers stand in the order of their renewal, which is the order of their expiry;
 * each call first drops the dead ones at its front, so no timer is needed and no dead peer is ever sampled.
 */
export class MemoryPeerStore implements PeerStore {
  readonly tables: Tables;
  readonly #o: MemoryStoreOptions;
  readonly #peers = new Map<PeerId, KnownPeer>();
  readonly #swarms = new Map<SwarmId, Swarm>();
  readonly #digests = new Map<Digest, Set<SwarmId>>();
  readonly #leases: Leases;
  #serial = 0;

  constructor(options: MemoryStoreOptions) {
    this.tables = new MemoryTables(options.clock);
    this.#o = options;
    this.#leases = new Leases({ clock: options.clock, leasesMax });
  }

  async announce(self: PeerSelf, changes: readonly MembershipChange[]): Promise<AnnounceOutcome> {
    const before = this.#currentPeer(self);
    if (!before && this.#peers.size >= this.#o.limits.peersMax) {
      throw new StoreUnavailableError(
        `the tracker knows ${this.#peers.size} peers and takes no more (limits.peersMax)`,
      );
    }
    const peer = this.#renew(self, before);
    let refused = 0;
    const views = changes.map((change) => {
      if (change.leave) this.#leave(peer, change.swarm);
      else if (!this.#join(peer, change)) refused += 1;
      return change.sample > 0 ? this.#view(self, change.swarm, change.sample) : nobody;
    });
    peer.refused += refused;
    return {
      known: before !== undefined,
      members: views.map(({ members }) => members),
      gateways: views.map(({ gateways }) => gateways),
      places: views.map(({ place }) => place),
      refused,
    };
  }

  async heartbeat(self: PeerSelf, swarms = 0): Promise<boolean> {
    const before = this.#currentPeer(self);
    if (!before) return false;
    this.#renew(self, before);
    return before.swarms.size + before.refused >= swarms;
  }

  async lookup(key: { readonly swarm: SwarmId } | { readonly digest: Digest }, sample: number): Promise<FoundSwarm[]> {
    this.#dropDead();
    const ids = 'swarm' in key ? [key.swarm] : [...(this.#digests.get(key.digest) ?? [])];
    return ids.flatMap((id) => {
      const swarm = this.#swarms.get(id);
      return swarm ? [{ swarm: id, digest: swarm.digest, members: this.#sample(id, sample) }] : [];
    });
  }

  async lease(peer: LeaseHolder, digest: Digest, holdMs: number): Promise<LeaseHolder> {
    return this.#leases.take(peer, digest, holdMs);
  }

  async page(cursor: string | undefined, limit: number): Promise<SwarmPage> {
    this.#dropDead();
    const after = Number(cursor ?? 0);
    const swarms: SwarmSummary[] = [];
    let last = 0;
    for (const [id, swarm] of this.#swarms) {
      if (swarm.serial <= after) continue;
      if (swarms.length === limit) return { swarms, next: String(last) };
      swarms.push(summaryOf(id, swarm));
      last = swarm.serial;
    }
    return { swarms, next: undefined };
  }

  async counts(): Promise<StoreCounts> {
    this.#dropDead();
    return { peers: this.#peers.size, swarms: this.#swarms.size };
  }

  async problem(): Promise<undefined> {}

  async [Symbol.asyncDispose](): Promise<void> {}

  /** The live record of exactly this incarnation; an older one is dropped. @throws PeerSupersededError */
  #currentPeer(self: PeerSelf): KnownPeer | undefined {
    this.#dropDead();
    const peer = this.#peers.get(self.peerId);
    if (!peer || peer.self.incarnation === self.incarnation) return peer;
    if (peer.self.incarnation > self.incarnation) throw new PeerSupersededError(self);
    this.#drop(peer);
    return undefined;
  }

  /** Puts the peer at the end of the order of expiry. */
  #renew(self: PeerSelf, before: KnownPeer | undefined): KnownPeer {
    const peer = {
      swarms: new Set<SwarmId>(),
      refused: 0,
      ...before,
      self,
      expiresMs: this.#o.clock() + this.#o.ttlMs,
    };
    this.#peers.delete(self.peerId);
    this.#peers.set(self.peerId, peer);
    return peer;
  }

  #join(peer: KnownPeer, { swarm: id, digest, complete, degree }: MembershipChange): boolean {
    const { limits } = this.#o;
    if (!peer.swarms.has(id) && peer.swarms.size >= limits.swarmsPerPeerMax) return false;
    if (!this.#swarms.has(id) && this.#swarms.size >= limits.swarmsMax) return false;
    const swarm = this.#swarms.get(id) ?? emptySwarm(++this.#serial);
    const { peerId, incarnation, address, zone, role } = peer.self;
    const list = role === 'origin' ? swarm.origins : swarm.agents;
    if (!list.has(peerId) && list.size >= (role === 'origin' ? originsPerSwarmMax : limits.membersPerSwarmMax))
      return false;
    const member = { peerId, incarnation, address, zone, role, complete, degree };
    if (role === 'agent') joinZone(swarm, member);
    list.set(peerId, member);
    this.#swarms.set(id, swarm);
    peer.swarms.add(id);
    if (digest) this.#name(swarm, id, digest);
    return true;
  }

  #name(swarm: Swarm, id: SwarmId, digest: Digest): void {
    const ids = this.#digests.get(digest) ?? new Set();
    if (ids.has(id) || ids.size >= swarmsPerDigestMax) return;
    if (swarm.digest !== undefined) this.#unname(swarm.digest, id);
    swarm.digest = digest;
    this.#digests.set(digest, ids.add(id));
  }

  #unname(digest: Digest, id: SwarmId): void {
    const ids = this.#digests.get(digest);
    ids?.delete(id);
    if (ids?.size === 0) this.#digests.delete(digest);
  }

  #leave(peer: KnownPeer, id: SwarmId): void {
    peer.swarms.delete(id);
    const swarm = this.#swarms.get(id);
    if (!swarm) return;
    leaveZone(swarm, peer.self.peerId);
    swarm.agents.delete(peer.self.peerId);
    swarm.origins.delete(peer.self.peerId);
    if (swarm.agents.size + swarm.origins.size > 0) return;
    this.#swarms.delete(id);
    if (swarm.digest !== undefined) this.#unname(swarm.digest, id);
  }

  #sample(id: SwarmId, count: number, except?: PeerId): Member[] {
    const swarm = this.#swarms.get(id);
    if (!swarm) return [];
    const origins = swarm.origins.values().filter(({ peerId }) => peerId !== except);
    return [...origins, ...swarm.agents.sample(count, this.#o.prng, except)];
  }

  #view(self: PeerSelf, id: SwarmId, count: number): Found {
    const swarm = this.#swarms.get(id);
    if (!swarm || swarm.zones.size < 2) return { ...nobody, members: this.#sample(id, count, self.peerId) };
    const own = swarm.zones.get(self.zone);
    const local = own?.sample(count, this.#o.prng, self.peerId) ?? [];
    const others = [...swarm.zones.values().take(zonesPerSwarmMax)].filter((list) => list !== own);
    const first = [...(own ? [own] : []), ...others].map((list) => list.first(gatewaysPerZone));
    const { agents, gateways, place } = zoneView(self, local, first);
    const origins = swarm.origins.values().filter(({ peerId }) => peerId !== self.peerId);
    return { members: [...origins, ...agents], gateways, place };
  }

  #dropDead(): void {
    const nowMs = this.#o.clock();
    for (const peer of this.#peers.values()) {
      if (peer.expiresMs > nowMs) return;
      this.#drop(peer);
    }
  }

  #drop(peer: KnownPeer): void {
    for (const id of [...peer.swarms]) this.#leave(peer, id);
    this.#peers.delete(peer.self.peerId);
  }
}

/** What one announce gets of a swarm. */
interface Found {
  readonly members: readonly Member[];
  readonly gateways: ZoneView['gateways'] | undefined;
  readonly place: ZoneView['place'];
}

const nobody: Found = { members: [], gateways: undefined, place: undefined };

const emptySwarm = (serial: number): Swarm => ({
  serial,
  digest: undefined,
  agents: new MemberList(),
  zones: new Map(),
  origins: new MemberList(),
});

const joinZone = (swarm: Swarm, member: Member): void => {
  const { peerId, zone } = member;
  if (swarm.agents.get(peerId)?.zone !== zone) leaveZone(swarm, peerId);
  const list = swarm.zones.get(zone) ?? new MemberList<Member>();
  list.set(peerId, member);
  swarm.zones.set(zone, list);
};

const leaveZone = (swarm: Swarm, peerId: PeerId): void => {
  const zone = swarm.agents.get(peerId)?.zone;
  const list = zone === undefined ? undefined : swarm.zones.get(zone);
  if (zone === undefined || !list) return;
  list.delete(peerId);
  if (list.size === 0) swarm.zones.delete(zone);
};

const summaryOf = (swarm: SwarmId, { digest, agents, origins }: Swarm): SwarmSummary => {
  const complete = [...agents.values(), ...origins.values()].filter((member) => member.complete).length;
  return { swarm, digest, agents: agents.size, origins: origins.size, complete };
};
