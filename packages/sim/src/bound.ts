/** A swarm as the lower bound sees it: bytes and bytes/ms. */
export interface BoundInput {
  readonly bytes: number;
  readonly pieceLength: number;
  readonly agents: number;
  readonly origins: number;
  readonly agentUp: number;
  readonly agentDown: number;
  readonly originUp: number;
}

/**
 * No schedule delivers to the last agent sooner, in ms (latency, set-up and arrivals not in it).
 * Source: Mundinger, Weber, Weiss, "Optimal scheduling of peer-to-peer file dissemination" (2008), as in
 * shared/design/swarm.md: max(F / down, N F / sum(up), F / origin up) + floor(log2(N / origins)) P / B.
 */
export const lowerBoundMs = ({
  bytes,
  pieceLength,
  agents,
  origins,
  agentUp,
  agentDown,
  originUp,
}: BoundInput): number => {
  const flow = Math.max(
    bytes / agentDown,
    (agents * bytes) / (agents * agentUp + origins * originUp),
    bytes / (origins * originUp),
  );
  return flow + Math.max(0, Math.floor(Math.log2(agents / origins))) * (pieceLength / agentUp);
};
