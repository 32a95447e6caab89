import { randomBelow } from '@shoal/core';
import type { PeerId, Prng, SwarmId } from '@shoal/core';
import type { PeerSelf } from '@shoal/protocol';
import type { Member } from '../peer-store.ts';
import type { RedisConnection } from './connection.ts';
import type { Keys } from './keys.ts';
import { decodeSelf, memberOf } from './member-codec.ts';
import type { StoredMember } from './member-codec.ts';
import { runScript, scripts } from './scripts.ts';

export interface Sampled {
  readonly swarm: SwarmId;
  readonly stored: readonly StoredMember[];
  /** The zone that its agents were read from; undefined: from all of the swarm. */
  readonly zone?: string | undefined;
  /** Agents wanted. */
  readonly sample: number;
  readonly except?: PeerId;
  /** Reads once more, when dead members were in the way. */
  again(): Promise<readonly StoredMember[]>;
}

/** How many agents to draw for a sample without the one that asks. */
export const drawn = (sample: number): number => (sample === 0 ? 0 : sample + 1);

/** Rounds in which a sample of dead members is drawn again; what is still dead then is left to the next announce. */
const roundsMax = 4;

/** Finds out which sampled members live, and drops the dead ones from their swarm. */
export class LiveMembers {
  readonly #redis: RedisConnection;
  readonly #keys: Keys;
  readonly #prng: Prng;

  constructor(redis: RedisConnection, keys: Keys, prng: Prng) {
    this.#prng = prng;
    this.#redis = redis;
    this.#keys = keys;
  }

  /** The live members of each sample. One read a peer, whatever number of swarms it is in, all in one pipeline. */
  async resolve(samples: readonly Sampled[]): Promise<Member[][]> {
    const peerIds = new Set(samples.flatMap(({ stored }) => stored.map(({ peerId }) => peerId)));
    const selves = await this.#selves(peerIds);
    return Promise.all(samples.map((sampled) => this.#settle(sampled, selves)));
  }

  async #settle(sampled: Sampled, selves: ReadonlyMap<PeerId, PeerSelf | undefined>): Promise<Member[]> {
    let { stored } = sampled;
    let known = selves;
    for (let round = 1; ; round++) {
      const { live, dead } = split(stored, known, sampled.zone);
      const left = dead.length === 0 ? 0 : await this.#drop(sampled, dead);
      const members = trim(live, sampled, this.#prng);
      if (left === 0 || round === roundsMax || dead.length === 0 || members.length >= sampled.sample) return members;
      stored = await sampled.again();
      known = await this.#selves(new Set(stored.map(({ peerId }) => peerId)));
    }
  }

  async #drop({ swarm, zone }: Sampled, dead: readonly StoredMember[]): Promise<number> {
    const [agents, origins] = this.#keys.swarm(swarm);
    const zoneOf = (member: StoredMember): string => zone ?? member.zone;
    return (await runScript(
      this.#redis,
      scripts.swarmDropDead,
      [agents, origins, this.#keys.zones(swarm), ...dead.map((member) => this.#keys.zone(swarm, zoneOf(member)))],
      // One that only changed its zone lives: it is named without what it said.
      dead.flatMap((member) => [member.peerId, zoneOf(member) === member.zone ? member.raw : '', zoneOf(member)]),
    )) as number;
  }

  async #selves(peerIds: ReadonlySet<PeerId>): Promise<Map<PeerId, PeerSelf | undefined>> {
    const ids = [...peerIds];
    const jsons = await Promise.all(ids.map((peerId) => this.#redis.hget(this.#keys.peer(peerId)[0], 'self')));
    return new Map(ids.map((peerId, index) => [peerId, decodeSelf(jsons[index] ?? null)]));
  }
}

/** A member lives when its peer does, under the incarnation and in the zone that announced it. */
const split = (
  stored: readonly StoredMember[],
  selves: ReadonlyMap<PeerId, PeerSelf | undefined>,
  zone: string | undefined,
): { live: Member[]; dead: StoredMember[] } => {
  const live: Member[] = [];
  const dead: StoredMember[] = [];
  for (const member of stored) {
    const self = selves.get(member.peerId);
    const isThere = zone === undefined || self?.role === 'origin' || member.zone === zone;
    if (isThere && self?.incarnation === member.incarnation) live.push(memberOf(member, self));
    else dead.push(member);
  }
  return { live, dead };
};

/** One more agent than wanted was drawn, in case the one that asks is among them; else any one of them goes. */
const trim = (live: readonly Member[], { sample, except }: Sampled, prng: Prng): Member[] => {
  const others = live.filter(({ peerId }) => peerId !== except);
  const agents = others.filter(({ role }) => role === 'agent');
  if (agents.length > sample) agents.splice(randomBelow(prng, agents.length), 1);
  return [...others.filter(({ role }) => role === 'origin'), ...agents];
};
