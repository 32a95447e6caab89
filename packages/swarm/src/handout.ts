import { type Prng, randomBelow } from '@shoal/core';
import type { PeerRole } from './peer.ts';
import { crossZoneNeighbours } from './zones.ts';

/** One member of a swarm as the tracker knows it. */
export interface Candidate {
  readonly peerId: string;
  readonly role: PeerRole;
  readonly zone: string;
  readonly complete: boolean;
  /** Connections the peer has in this swarm, as it last reported. */
  readonly degree: number;
}

export interface HandoutRequest {
  /** The peer that asks; never handed to itself. */
  readonly peerId: string;
  readonly zone: string;
  /** Agents wanted, 0 to 50. Origins come on top. */
  readonly want: number;
  readonly prng: Prng;
  /** Agents of this degree or more are not handed out. Default 40. */
  readonly degreeMax?: number;
  /** Agents looked at. Default 48. */
  readonly sample?: number;
  /** Peer ids of the gateways of all zones (zones.ts). Present: only gateways get peers of other zones. */
  readonly gateways?: ReadonlySet<string> | undefined;
}

/**
 * So many times the agents wanted are compared. To take the lowest degrees of many would be to take those who came last:
 * a crowd that arrives one after the other would become a chain, where new pieces take many hops to reach everybody.
 */
const spareChoice = 1.4;

/**
 * All origins (with gateways: one of another zone only for a gateway), then up to `want` agents: of a few more,
 * chosen at random, those of lowest (degree + random). Never the most complete first: the first finishers would become hubs.
 * Source: shared/design/swarm.md, "Handout".
 */
export const chooseHandout = <T extends Candidate>(candidates: readonly T[], request: HandoutRequest): T[] => {
  const { peerId, zone, want, prng, gateways } = request;
  const crosses = !gateways || gateways.has(peerId);
  const isNear = (candidate: Candidate): boolean => candidate.zone === zone || candidate.zone === '';
  const origins = candidates.filter(
    (candidate) => candidate.role === 'origin' && candidate.peerId !== peerId && (crosses || isNear(candidate)),
  );
  const agents = candidates.filter((candidate) => candidate.role === 'agent' && candidate.peerId !== peerId);
  if (!gateways) return [...origins, ...lowestDegree(agents, want, request, prng)];
  const local = agents.filter((candidate) => candidate.zone === zone);
  const abroad = crosses ? agents.filter((candidate) => candidate.zone !== zone && gateways.has(candidate.peerId)) : [];
  const across = lowestDegree(abroad, Math.min(crossZoneNeighbours, want), request, prng);
  return [...origins, ...across, ...lowestDegree(local, want - across.length, request, prng)];
};

const lowestDegree = <T extends Candidate>(
  agents: readonly T[],
  want: number,
  { degreeMax = 40, sample = 48 }: HandoutRequest,
  prng: Prng,
): T[] =>
  sampleOf(agents, sample, prng)
    .filter(({ degree }) => degree < degreeMax)
    .slice(0, Math.ceil(want * spareChoice))
    .map((agent) => ({ agent, rank: agent.degree + prng() }))
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, Math.max(0, want))
    .map(({ agent }) => agent);

/** `count` of them at random, without repetition: a partial Fisher-Yates shuffle. */
const sampleOf = <T>(from: readonly T[], count: number, prng: Prng): T[] => {
  const pool = [...from];
  const taken = Math.min(count, pool.length);
  for (let index = 0; index < taken; index++) {
    const other = index + randomBelow(prng, pool.length - index);
    const swap = pool[index] as T;
    pool[index] = pool[other] as T;
    pool[other] = swap;
  }
  return pool.slice(0, taken);
};
