import type { LeechLimits, SuperSeedOptions, UploadLimits } from '@shoal/swarm';

/** A blob of the world. The last piece is the shorter one. */
export interface BlobOptions {
  readonly bytes: number;
  readonly pieceLength: number;
}

/** A world that a seed determines. Times in ms, sizes in bytes, rates in bytes/ms. */
export interface WorldOptions {
  readonly seed: number;
  readonly agents: number;
  readonly origins: number;
  readonly blobs: readonly BlobOptions[];
  /** Every agent wants so many of the blobs, at random; 0: all of them, in their order. */
  readonly blobsPerAgent: number;
  /** Blobs that one agent downloads at once; the next begins when one is complete. */
  readonly blobsAtOnce: number;
  /** Origins that own a blob; 0: all. */
  readonly owners: number;

  readonly agentUp: number;
  readonly agentDown: number;
  readonly originUp: number;
  /** Agents whose uplink is `slowUp`. */
  readonly slowAgents: number;
  readonly slowUp: number;
  /** An origin has received so much of every blob each ms, in order, from the first arrival on; 0: it has all of it. */
  readonly originReceives: number;

  /** One way, inside a zone and between two. */
  readonly latencyMs: number;
  readonly crossLatencyMs: number;
  /** The tracker's and a dialled listener's own time, besides the round trips. */
  readonly handlingMs: number;
  /** From the last byte of a piece to its verification: bytes are hashed as they come, so one leaf is left. */
  readonly verifyMs: number;
  /** HAVE waits so long for others to go with it. */
  readonly haveDelayMs: number;

  readonly zones: number;
  /** Into and out of every zone, shared by all that crosses; 0: not limited. */
  readonly zoneTrunk: number;
  /** Gateways a zone has: the tracker hands out peers of other zones only to them. 0: to everybody. */
  readonly gateways: number;

  /** Agents arrive evenly at random over this time. */
  readonly arrivalSpreadMs: number;
  /** Agents come in so many waves of equal size; a wave begins when the one before is complete. */
  readonly waves: number;

  /** Agents that die, at random times within `deathSpreadMs` from `deathFromMs`; neighbours see it `deathSeenMs` later. */
  readonly deaths: number;
  readonly deathFromMs: number;
  readonly deathSpreadMs: number;
  readonly deathSeenMs: number;
  /** Origins that die, in the middle of that time. */
  readonly originDeaths: number;
  /** Agents of which a share `corruptShare` of the pieces arrives corrupt. */
  readonly corruptAgents: number;
  readonly corruptShare: number;
  /** No announce is answered within these times. */
  readonly trackerDownFromMs: number;
  readonly trackerDownUntilMs: number;
  /** A random half of the agents is cut off from everybody else for this time. */
  readonly partitionFromMs: number;
  readonly partitionForMs: number;

  /** Every agent has a client that reads in order. */
  readonly readers: boolean;
  /** Nodes know their uplink and limit their egress to it; otherwise the upload queue probes. */
  readonly egressKnown: boolean;
  readonly policy: PolicyOptions;
  readonly leech: Partial<LeechLimits>;
  readonly upload: Partial<UploadLimits>;
  readonly superSeed: Pick<SuperSeedOptions, 'judgeAfter' | 'secondPiecesMin'>;
  /** Max-min shares that differ by less are left as they are; 0: exact (network.ts). */
  readonly shareTolerance: number;
  /** A world that is not done by then has failed. */
  readonly timeMaxMs: number;
}

/** What the shells and the tracker decide, open to comparison. */
export interface PolicyOptions {
  /** Agents that an agent dials of its own accord, accepts in all, and under how many it asks for more. */
  readonly dialMax: number;
  readonly acceptMax: number;
  readonly topUpBelow: number;
  /** `production` is chooseHandout of @shoal/swarm. */
  readonly handout: 'production' | 'random' | 'mostComplete';
  /** `pull`: agents ask the origin as they ask an agent. */
  readonly origin: 'superSeed' | 'pull';
}

export const worldDefaults: WorldOptions = {
  seed: 1,
  agents: 16,
  origins: 1,
  blobs: [{ bytes: 256 * 1024 * 1024, pieceLength: 1024 * 1024 }],
  blobsPerAgent: 0,
  blobsAtOnce: 3,
  owners: 0,
  agentUp: 125_000,
  agentDown: 125_000,
  originUp: 125_000,
  slowAgents: 0,
  slowUp: 0,
  originReceives: 0,
  latencyMs: 0.1,
  crossLatencyMs: 0.5,
  handlingMs: 0.5,
  verifyMs: 0.15,
  haveDelayMs: 0,
  zones: 1,
  zoneTrunk: 0,
  gateways: 0,
  arrivalSpreadMs: 0,
  waves: 1,
  deaths: 0,
  deathFromMs: 0,
  deathSpreadMs: 0,
  deathSeenMs: 20,
  originDeaths: 0,
  corruptAgents: 0,
  corruptShare: 1,
  trackerDownFromMs: 0,
  trackerDownUntilMs: 0,
  partitionFromMs: 0,
  partitionForMs: 0,
  readers: true,
  egressKnown: true,
  policy: { dialMax: 10, acceptMax: 40, topUpBelow: 15, handout: 'production', origin: 'superSeed' },
  leech: {},
  upload: {},
  superSeed: {},
  shareTolerance: 0.02,
  timeMaxMs: 3_600_000,
};
