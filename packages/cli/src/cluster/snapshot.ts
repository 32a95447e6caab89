import type { MetricsSnapshot } from '@shoal/core';
import { asked, getMetrics, getReadiness } from './ask.ts';
import type { Endpoint, Endpoints } from './endpoints.ts';

export type ServiceName = 'origin' | 'tracker' | 'agent';

/** One process at one moment. Counters are since its start; bytes. */
export interface ProcessState {
  readonly service: ServiceName;
  readonly url: string;
  readonly state: 'ready' | 'not ready' | 'no answer';
  readonly version: string | undefined;
  /** What is missing, by check, or why there is no answer. */
  readonly problems: readonly string[];
  /** What the process goes on without. */
  readonly notes: readonly string[];
  readonly figures: Readonly<Record<string, number>>;
}

/** Where the bytes of all agents came from, in bytes. */
export interface Proof {
  readonly fromPeers: number;
  readonly fromOrigins: number;
  readonly servedToClients: number;
  readonly servedToPeers: number;
  /** What origins fetched from other registries. */
  readonly fromUpstream: number;
  readonly peerShare: number | null;
}

export interface ClusterState {
  readonly processes: readonly ProcessState[];
  readonly proof: Proof;
}

export const clusterState = async ({ origins, trackers, agents }: Endpoints): Promise<ClusterState> => {
  const processes = await Promise.all([
    ...origins.map((endpoint) => processState('origin', endpoint)),
    ...trackers.map((endpoint) => processState('tracker', endpoint)),
    ...agents.map((endpoint) => processState('agent', endpoint)),
  ]);
  return { processes, proof: proofOf(processes) };
};

const proofOf = (processes: readonly ProcessState[]): Proof => {
  const sum = (name: string): number => processes.reduce((total, { figures }) => total + (figures[name] ?? 0), 0);
  const [fromPeers, fromOrigins] = [sum('fromPeers'), sum('fromOrigins')];
  const all = fromPeers + fromOrigins;
  return {
    fromPeers,
    fromOrigins,
    servedToClients: sum('servedToClients'),
    servedToPeers: sum('servedToPeers'),
    fromUpstream: sum('fromUpstream'),
    peerShare: all === 0 ? null : fromPeers / all,
  };
};

const processState = async (service: ServiceName, { url, admin }: Endpoint): Promise<ProcessState> => {
  const [readiness, metrics] = await Promise.all([asked(getReadiness(admin)), asked(getMetrics(admin))]);
  if ('failure' in readiness || 'failure' in metrics) {
    const reason = 'failure' in readiness ? readiness.failure : 'failure' in metrics ? metrics.failure : '';
    const problems = [`${admin}: ${reason}`];
    return { service, url, state: 'no answer', version: undefined, problems, notes: [], figures: {} };
  }
  const { ready, checks, notes, service: named } = readiness.value;
  const isOther = named !== service;
  return {
    service,
    url,
    state: ready && !isOther ? 'ready' : 'not ready',
    version: metrics.value.label('shoal_build_info', 'version'),
    problems: [...(isOther ? [`${admin} belongs to a process that is no ${service}`] : []), ...missing(checks)],
    notes: missing(notes),
    figures: figuresOf[service](metrics.value),
  };
};

const missing = (checks: Readonly<Record<string, string>>): string[] =>
  Object.entries(checks)
    .filter(([, result]) => result !== 'ok')
    .map(([name, result]) => `${name}: ${result}`);

const figuresOf: Readonly<Record<ServiceName, (metrics: MetricsSnapshot) => Record<string, number>>> = {
  origin: (metrics) => ({
    blobs: metrics.sum('shoal_origin_blobs'),
    seeding: metrics.sum('shoal_origin_seeding_blobs'),
    sentToSwarm: metrics.sum('shoal_origin_sent_bytes_total', { to: 'swarm' }),
    sentByHttp: metrics.sum('shoal_origin_sent_bytes_total', { to: 'http' }),
    fromUpstream: metrics.sum('shoal_origin_fetched_bytes_total'),
    folderFreeBytes: metrics.sum('shoal_origin_folder_free_bytes'),
    folderSizeBytes: metrics.sum('shoal_origin_folder_size_bytes'),
  }),
  tracker: (metrics) => ({
    peers: metrics.sum('shoal_tracker_peers'),
    swarms: metrics.sum('shoal_tracker_swarms'),
  }),
  agent: (metrics) => ({
    fromPeers: metrics.sum('shoal_agent_received_bytes_total', { source: 'peer' }),
    fromOrigins:
      metrics.sum('shoal_agent_received_bytes_total', { source: 'origin' }) +
      metrics.sum('shoal_agent_received_bytes_total', { source: 'http' }),
    servedToClients: metrics.sum('shoal_agent_served_bytes_total', { to: 'client' }),
    servedToPeers: metrics.sum('shoal_agent_served_bytes_total', { to: 'peer' }),
    downloads: metrics.sum('shoal_agent_downloads_active'),
    seeding: metrics.sum('shoal_agent_seeding_blobs'),
    links: metrics.sum('shoal_agent_links'),
    cacheBytes: metrics.sum('shoal_agent_cache_bytes'),
    cacheQuotaBytes: metrics.sum('shoal_agent_cache_quota_bytes'),
    cacheBlobs: metrics.sum('shoal_agent_cache_blobs'),
    folderFreeBytes: metrics.sum('shoal_agent_folder_free_bytes'),
    corruptPieces: metrics.sum('shoal_agent_pieces_corrupt_total'),
  }),
};
