import { ShoalError } from '@shoal/core';
import type { Digest, SwarmId } from '@shoal/core';
import type { PeerEntry, PeerSelf } from '@shoal/protocol';
import type { GatewayPlace } from '@shoal/swarm';
import type { Tables } from './tables.ts';

/** A member of one swarm. */
export interface Member extends PeerEntry {
  /** Neighbours it has in the swarm, as it last reported. */
  readonly degree: number;
}

/** What a peer says of itself in one swarm. */
export interface MembershipChange {
  readonly swarm: SwarmId;
  readonly digest?: Digest | undefined;
  readonly leave: boolean;
  readonly complete: boolean;
  readonly degree: number;
  /** Agents of the swarm to give back, picked at random; 0 gives back nobody. */
  readonly sample: number;
}

export interface AnnounceOutcome {
  /** False when this incarnation of the peer was not known before. */
  readonly known: boolean;
  /**
   * For each change, in its order: all origins of the swarm, and up to `sample` of its agents; never the peer itself. In a
   * swarm of several zones the agents are those of the peer's zone and, for a gateway, the gateways of the others.
   */
  readonly members: readonly (readonly Member[])[];
  /** For each change that wanted members: the gateways that were found (swarm/zones.ts). Undefined: the swarm has one zone. */
  readonly gateways: readonly (ReadonlySet<string> | undefined)[];
  /** The peer's own place among those of its zone. */
  readonly places: readonly (GatewayPlace | undefined)[];
  /** Memberships that were not kept because a limit was reached. */
  readonly refused: number;
}

export interface FoundSwarm {
  readonly swarm: SwarmId;
  readonly digest: Digest | undefined;
  readonly members: readonly Member[];
}

export interface SwarmSummary {
  readonly swarm: SwarmId;
  readonly digest: Digest | undefined;
  /** Members, among them dead ones that nobody has noticed yet. */
  readonly agents: number;
  readonly origins: number;
  readonly complete: number;
}

export interface SwarmPage {
  readonly swarms: readonly SwarmSummary[];
  /** What to ask the next page with; undefined on the last one. */
  readonly next: string | undefined;
}

/**
 * Who is in which swarm. Every implementation guarantees (peerStoreConformance checks it):
 * - a peer lives from its last announce or heartbeat for the TTL it was made with; a dead one is never given back;
 * - an announce with a newer incarnation replaces the peer: memberships of the old one are gone;
 *   an older incarnation is refused with PeerSupersededError;
 * - samples are uniform over the live members (of the peer's zone, where a swarm has several), never contain the peer that
 *   asks, and contain every live origin;
 * - the gateways of a zone are those of its live members that joined the swarm first; announcing again keeps the place;
 * - `leave` takes effect before the call resolves;
 * - memory is bounded: what is over a limit is refused and counted, never queued;
 * - a failure of what stands behind it is a StoreUnavailableError within the deadline, and passes by itself.
 */
export interface PeerStore extends AsyncDisposable {
  /** Small things that all trackers of the cluster share. */
  readonly tables: Tables;
  announce(peer: PeerSelf, changes: readonly MembershipChange[]): Promise<AnnounceOutcome>;
  /**
   * Renews a peer. `swarms` is how many memberships the peer believes to have.
   * @returns false when the peer has to announce all again: it is unknown, or fewer memberships than `swarms` are.
   */
  heartbeat(peer: PeerSelf, swarms?: number): Promise<boolean>;
  /** The swarms of a digest (at most 16), or the one named; without swarms that have no live member. */
  lookup(key: { readonly swarm: SwarmId } | { readonly digest: Digest }, sample: number): Promise<FoundSwarm[]>;
  /**
   * Gives a peer the lease of a digest for `holdMs`, or renews it; 0 takes it back. One peer at a time holds it.
   * @returns who holds it now: the peer itself, or another one
   */
  lease(peer: LeaseHolder, digest: Digest, holdMs: number): Promise<LeaseHolder>;
  /** Pages through all swarms in no order; `limit` is approximate. A swarm that exists throughout is seen at least once. */
  page(cursor: string | undefined, limit: number): Promise<SwarmPage>;
  counts(): Promise<StoreCounts>;
  /** Undefined when the store works; otherwise what is missing, in words. */
  problem(): Promise<string | undefined>;
}

export type LeaseHolder = Pick<PeerSelf, 'peerId' | 'address'>;

/** Leases of one tracker at once. */
export const leasesMax = 10_000;

export interface StoreCounts {
  readonly peers: number;
  readonly swarms: number;
}

export interface StoreLimits {
  readonly peersMax: number;
  readonly swarmsMax: number;
  readonly membersPerSwarmMax: number;
  readonly swarmsPerPeerMax: number;
}

/** Swarms of one digest that a lookup looks at: one a piece length in use, of which a cluster has few. */
export const swarmsPerDigestMax = 16;

/** Zones of one swarm whose gateways meet; an agent without a zone is in a zone of its own. */
export const zonesPerSwarmMax = 64;

/** Origins kept of one swarm; they are all handed out to each peer. */
export const originsPerSwarmMax = 50;

/** Another process announces under the same peer id, and started later. */
export class PeerSupersededError extends ShoalError {
  constructor(peer: PeerSelf) {
    super(
      'PEER_SUPERSEDED',
      409,
      `peer.incarnation: ${peer.incarnation} is not allowed; a process of peer ${peer.peerId} that started later has announced itself`,
    );
  }
}

export class StoreUnavailableError extends ShoalError {
  constructor(reason: string, cause?: unknown) {
    super('STORE_UNAVAILABLE', 503, reason, { cause });
  }
}
