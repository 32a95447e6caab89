import type { Digest, SwarmId } from '@shoal/core';
import { gatewaysPerZone } from '@shoal/swarm';
import { zonesPerSwarmMax } from '../peer-store.ts';
import type { RedisConnection } from './connection.ts';
import type { Keys } from './keys.ts';
import { drawn } from './live-members.ts';
import { decodeMembers, type StoredMember } from './member-codec.ts';
import { runScript, scripts } from './scripts.ts';

/** One call of swarm-member.lua. */
export interface MemberCall {
  readonly operation: 'put' | 'drop' | 'read';
  readonly role: 'agent' | 'origin';
  /** Empty for one who is no member. */
  readonly peerId: string;
  readonly zone: string;
  readonly member: string;
  readonly membersMax: number;
  readonly digest: Digest | undefined;
  readonly sample: number;
}

export interface MemberResult {
  readonly done: boolean;
  readonly members: readonly StoredMember[];
  readonly digest: Digest | undefined;
  /** The zones of the swarm when there are several; the agents are those of the caller's zone then. */
  readonly zones: readonly string[];
  /** It is one of those who joined its zone first, so it may be a gateway. */
  readonly isEarly: boolean;
}

/** How long a swarm outlives the last sign of a member. */
export const swarmTtlMs = 6 * 3_600_000;

/** Members of a zone that are looked at for its gateways: some of the first may be dead. */
const firstMax = 2 * gatewaysPerZone;

/** What Redis holds of the members of a swarm, dead ones among them. */
export class SwarmMembers {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;

  constructor(redis: RedisConnection, keys: Keys) {
    this.#redis = redis;
    this.#keys = keys;
  }

  async call(swarm: SwarmId, call: MemberCall): Promise<MemberResult> {
    const { operation, role, peerId, zone, member, membersMax, digest, sample } = call;
    const args = [operation, role, peerId, member, swarmTtlMs, membersMax, digest ?? '', drawn(sample), zone];
    const [done, origins, agents, name, zones, place] = (await runScript(
      this.#redis,
      scripts.swarmMember,
      this.#keys.membership(swarm, zone),
      [...args, zonesPerSwarmMax],
    )) as [number, string[], string[], string, string[], number];
    return {
      done: done === 1,
      members: [...decodeMembers(origins), ...decodeMembers(agents)],
      digest: name === '' ? undefined : (name as Digest),
      zones,
      isEarly: place >= 0 && place < firstMax,
    };
  }

  /** Those who joined first in each zone, in that order. */
  async first(swarm: SwarmId, zones: readonly string[]): Promise<StoredMember[][]> {
    const [members] = this.#keys.swarm(swarm);
    const keys = [members, ...zones.map((zone) => this.#keys.zone(swarm, zone))];
    const found = (await runScript(this.#redis, scripts.swarmFirst, keys, [firstMax])) as string[][];
    return found.map(decodeMembers);
  }
}
