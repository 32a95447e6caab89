import type { LeechLimits, UploadLimits } from '@shoal/swarm';

/** A world that a seed determines. Times in ms, sizes in bytes, rates in bytes/ms. */
export interface WorldOptions {
  readonly seed: number;
  readonly agents: number;
  readonly origins: number;
  readonly pieceCount: number;
  readonly pieceLength: number;
  readonly agentUp: number;
  readonly agentDown: number;
  readonly originUp: number;
  /** One way. */
  readonly latencyMs: number;
  /** Agents arrive evenly at random over this time. */
  readonly arrivalSpreadMs: number;
  /** Agents that die, at random times within `deathSpreadMs`; their neighbours see it `deathSeenMs` later. */
  readonly deaths: number;
  readonly deathSpreadMs: number;
  readonly deathSeenMs: number;
  /** Agents of which a share `corruptShare` of the pieces arrives corrupt. */
  readonly corruptAgents: number;
  readonly corruptShare: number;
  /** Every agent has a client that reads in order. */
  readonly readers: boolean;
  /** Nodes know their uplink and limit their egress to it; otherwise the upload queue probes. */
  readonly egressKnown: boolean;
  readonly leech: Partial<LeechLimits>;
  readonly upload: Partial<UploadLimits>;
  /** A world that is not done by then has failed. */
  readonly timeMaxMs: number;
}

export const worldDefaults: WorldOptions = {
  seed: 1,
  agents: 16,
  origins: 1,
  pieceCount: 256,
  pieceLength: 1024 * 1024,
  agentUp: 125_000,
  agentDown: 125_000,
  originUp: 125_000,
  latencyMs: 0.2,
  arrivalSpreadMs: 0,
  deaths: 0,
  deathSpreadMs: 0,
  deathSeenMs: 20,
  corruptAgents: 0,
  corruptShare: 0.05,
  readers: false,
  egressKnown: true,
  leech: {},
  upload: {},
  timeMaxMs: 600_000,
};
