import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Cluster, type ClusterNode, type ClusterOptions } from '../../deploy/local/src/index.ts';
import { MetricsSnapshot, readMetrics } from '../../deploy/local/src/demo/metrics.ts';

/** A cluster in a temporary folder, which goes with it. */
export interface TestCluster extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly folder: string;
  /** Processes that ended without having been asked to, with their last lines. */
  readonly deaths: readonly string[];
}

export const testCluster = async (
  options: Partial<Omit<ClusterOptions, 'data' | 'onDeath'>> = {},
): Promise<TestCluster> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'shoal-e2e-'));
  const deaths: string[] = [];
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  const starting = Cluster.start({
    agents: 3,
    basePort: 'free',
    ...options,
    data: folder,
    onDeath: ({ name }, status, lines) => deaths.push(`${name} ${JSON.stringify(status)}\n${lines.join('\n')}`),
  });
  const cluster = await starting.catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  const dispose = async (): Promise<void> => {
    await cluster.stop();
    await remove();
  };
  return { cluster, folder, deaths, [Symbol.asyncDispose]: dispose };
};

/** Where an agent's bytes came from since it started, in bytes. */
export interface Received {
  readonly peer: number;
  readonly origin: number;
  readonly http: number;
  readonly all: number;
  readonly resumed: number;
}

export const received = async (agent: ClusterNode): Promise<Received> =>
  receivedIn(await readMetrics(agent.metricsUrl));

const receivedIn = (metrics: MetricsSnapshot): Received => {
  const from = (source: string): number => metrics.sum('shoal_agent_received_bytes_total', { source });
  const [peer, origin, http] = [from('peer'), from('origin'), from('http')];
  return { peer, origin, http, all: peer + origin + http, resumed: metrics.sum('shoal_agent_resumed_bytes_total') };
};

/** What the origin sent to agents, by pieces and by HTTP, in bytes. */
export const originSent = async (origin: ClusterNode): Promise<number> => {
  const metrics = await readMetrics(origin.metricsUrl);
  return ['swarm', 'http'].reduce((sum, to) => sum + metrics.sum('shoal_origin_sent_bytes_total', { to }), 0);
};

/** True where the sizes of the issue are wanted instead of ones that fit into `npm test`; .ci/run sets it. */
export const fullSize = process.env['SHOAL_E2E_FULL'] === '1';
