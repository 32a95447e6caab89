import type { Prng } from '@shoal/core';
import type { PeerRole } from './peer.ts';

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
}

/** All origins, then up to `want` agents: of a random sample those of lowest (degree + random). */
export declare const chooseHandout: <T extends Candidate>(candidates: readonly T[], request: HandoutRequest) => T[];
