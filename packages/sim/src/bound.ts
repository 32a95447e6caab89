import type { SimAgent } from './sim-agent.ts';
import type { World } from './world.ts';

/** A swarm as the lower bound sees it: bytes and bytes/ms. */
export interface BoundInput {
  /** The most that one agent wants, what all agents want, and what the origins must let in at least once. */
  readonly bytesOfOne: number;
  readonly bytesOfAll: number;
  readonly bytesDistinct: number;
  /** Of the smallest piece: the last one to leave an origin may be that one. */
  readonly pieceBytes: number;
  readonly agents: number;
  readonly origins: number;
  /** The fastest agent's uplink, and of all agents together. */
  readonly agentUp: number;
  readonly agentsUp: number;
  readonly agentDown: number;
  readonly originUp: number;
}

/**
 * No schedule delivers to the last agent sooner, in ms (latency, set-up and arrivals not in it).
 * Source: Mundinger, Weber, Weiss, "Optimal scheduling of peer-to-peer file dissemination" (2008), as in
 * shared/design/swarm.md: max(F / down, N F / sum(up), F / origin up) + floor(log2(N / origins)) P / B.
 */
export const lowerBoundMs = (input: BoundInput): number => {
  const { agents, origins, agentUp, agentDown, originUp } = input;
  const flow = Math.max(
    input.bytesOfOne / agentDown,
    input.bytesOfAll / (input.agentsUp + origins * originUp),
    input.bytesDistinct / (origins * originUp),
  );
  return flow + Math.max(0, Math.floor(Math.log2(agents / origins))) * (input.pieceBytes / agentUp);
};

/** The bounds of a world: of the agents that come together (of each wave), and what they are limited by. */
export interface WorldBounds {
  /** For a node from its own arrival, and for the whole world from the first arrival (waves: all of them in turn). */
  readonly nodeMs: number;
  readonly makespanMs: number;
  readonly waveMs: readonly number[];
}

/**
 * - Agents that come together: the formula above, over their own uplinks.
 * - Arrivals spread over more than half a transfer, and every wave but the first: others have come far by then, so a
 *   node is limited by its own downlink alone, and the makespan by the last one to arrive.
 * - Agents that want different blobs: of the makespan, the latest end that an agent's arrival and own downlink allow.
 * - A cold origin: what the origin itself takes to receive the blob.
 */
export const worldBounds = (world: World): WorldBounds => {
  const { options, agents } = world;
  const distinct = options.blobs.reduce((sum, { bytes }) => sum + bytes, 0);
  const first = agents.filter(({ plan }) => plan.wave === 0);
  const ofOne = (some: readonly SimAgent[]): number => Math.max(...some.map(({ wantedBytes }) => wantedBytes));
  const aloneMs = ofOne(agents) / options.agentDown;
  if (options.originReceives > 0) {
    const coldMs = distinct / options.originReceives;
    return { nodeMs: coldMs, makespanMs: coldMs, waveMs: [coldMs] };
  }
  const togetherMs = lowerBoundMs({
    bytesOfOne: ofOne(first),
    bytesOfAll: first.reduce((sum, { wantedBytes }) => sum + wantedBytes, 0),
    bytesDistinct: distinct,
    pieceBytes: Math.min(...options.blobs.map(({ bytes, pieceLength }) => Math.min(bytes, pieceLength))),
    agents: first.length,
    origins: options.origins,
    agentUp: options.agentUp,
    agentsUp: first.reduce((sum, { plan }) => sum + plan.up, 0),
    agentDown: options.agentDown,
    originUp: options.originUp,
  });
  const arrivalsMs = first.map(({ plan }) => plan.arrivalMs);
  const lastArrivalMs = Math.max(...arrivalsMs) - Math.min(...arrivalsMs);
  if (2 * options.arrivalSpreadMs > aloneMs)
    return { nodeMs: aloneMs, makespanMs: lastArrivalMs + aloneMs, waveMs: [] };
  const waveMs = Array.from({ length: options.waves }, (_, wave) => (wave === 0 ? togetherMs : aloneMs));
  const makespanMs = waveMs.reduce((sum, ms) => sum + ms, 0);
  // Where agents want different amounts, whoever wants most may be the last to come.
  const lastMs = Math.max(...first.map(({ plan, wantedBytes }) => plan.arrivalMs + wantedBytes / options.agentDown));
  const differ = options.blobsPerAgent > 0;
  return {
    nodeMs: togetherMs,
    makespanMs: differ ? Math.max(makespanMs, lastMs - Math.min(...arrivalsMs)) : makespanMs,
    waveMs,
  };
};
