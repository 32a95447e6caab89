import type { Cluster, ClusterNode } from '../cluster/cluster.ts';
import type { PushedImage } from './push.ts';
import { type MetricsSnapshot, readMetrics } from './metrics.ts';
import { progressView } from './progress.ts';
import { pullImage, type PullResult } from './pull.ts';
import type { AgentRow, DemoResult } from './report.ts';

interface Pulled {
  readonly node: ClusterNode;
  readonly result: PullResult;
}

/** Pulls the image through all agents at once. */
const pullThroughAll = async (
  agents: readonly ClusterNode[],
  image: PushedImage,
  received: (agent: string, bytes: number) => void,
): Promise<{ pulls: Pulled[]; makespanMs: number }> => {
  const startMs = performance.now();
  const pulls = await Promise.all(
    agents.map(async (node) => {
      const progress = { received: (bytes: number) => received(node.layout.name, bytes) };
      return { node, result: await pullImage(node.url, image, progress) };
    }),
  );
  return { pulls, makespanMs: performance.now() - startMs };
};

const sentBytes = (origin: MetricsSnapshot): number =>
  origin.sum('shoal_origin_sent_bytes_total', { to: 'swarm' }) +
  origin.sum('shoal_origin_sent_bytes_total', { to: 'http' });

const agentRow = async ({ node, result }: Pulled): Promise<AgentRow> => {
  const metrics = await readMetrics(node.metricsUrl);
  const from = (source: string): number => metrics.sum('shoal_agent_received_bytes_total', { source });
  return { name: node.layout.name, pull: result, peers: from('peer'), origin: from('origin'), http: from('http') };
};

/** The cold pulls with their progress, then the same pulls from full caches for the lower bound. */
export const runDemo = async (cluster: Cluster, image: PushedImage): Promise<DemoResult> => {
  const sentBefore = sentBytes(await readMetrics(cluster.origin.metricsUrl));
  const names = cluster.agents.map(({ layout }) => layout.name);
  const view = progressView(names, image.size);
  const cold = await pullThroughAll(cluster.agents, image, (agent, bytes) => view.add(agent, bytes)).finally(() =>
    view.stop(),
  );
  const originSentBytes = sentBytes(await readMetrics(cluster.origin.metricsUrl)) - sentBefore;
  const agents = await Promise.all(cold.pulls.map(agentRow));
  const warm = await pullThroughAll(cluster.agents, image, () => undefined);
  return { imageBytes: image.size, agents, originSentBytes, makespanMs: cold.makespanMs, warmMs: warm.makespanMs };
};

/** What is wrong with a run: digests that differ, and metrics that do not account for the bytes. */
export const problemsOf = ({ agents, imageBytes, originSentBytes }: DemoResult): string[] => [
  ...agents.flatMap(({ name, pull }) => pull.mismatches.map((mismatch) => `${name}: ${mismatch}`)),
  ...agents
    .filter(({ pull }) => pull.bytes !== imageBytes)
    .map(({ name, pull }) => `${name}: received ${pull.bytes} bytes, the image has ${imageBytes}`),
  ...(originSentBytes < imageBytes * 0.99
    ? [`the origin's metrics count ${originSentBytes} bytes sent, less than one copy`]
    : []),
];
