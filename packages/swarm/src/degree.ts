import type { PeerRole } from './peer.ts';

/**
 * How many agents one agent keeps in a swarm, origins not counted (their place is reserved). Fewer starve, more herd.
 * Source: shared/design/swarm.md, "Neighbours".
 */
export const degreeLimits = {
  /** An agent dials until it has so many. */
  dialMax: 10,
  /** It accepts until it has so many. */
  acceptMax: 40,
  /** Under so many it asks the tracker for more. */
  topUpBelow: 15,
} as const;

/** Agents to ask of the tracker, given the present number of agent neighbours. */
export const peersWanted = (degree: number): number => (degree >= degreeLimits.topUpBelow ? 0 : degreeLimits.dialMax);

export const mayDial = (role: PeerRole, degree: number): boolean =>
  role === 'origin' || degree < 2 * degreeLimits.dialMax;

/** Whether a JOIN from a peer of this role is answered. */
export const mayAccept = (role: PeerRole, degree: number): boolean =>
  role === 'origin' || degree < degreeLimits.acceptMax;
