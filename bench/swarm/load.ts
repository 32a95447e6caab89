import { type Address, formatAddress } from '@shoal/core';
import type { MetricsSnapshot } from '@shoal/local';
import { ask, askMetrics } from './ask.ts';
import type { AgentAddresses } from './host-messages.ts';

/** What a process has used since its start. */
export interface Usage {
  readonly cpuS: number;
  readonly rssBytes: number;
}

/** What the agents of a run have counted since their start; bytes of content. */
export interface AgentCounts {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly httpBytes: number;
  readonly corruptPieces: number;
  readonly messages: number;
  readonly links: number;
}

const noCounts: AgentCounts = {
  sentBytes: 0,
  receivedBytes: 0,
  httpBytes: 0,
  corruptPieces: 0,
  messages: 0,
  links: 0,
};

/** Agents that are asked at the same time. */
const askedMax = 16;

export const metricsOf = (admin: Address): Promise<MetricsSnapshot> =>
  askMetrics('an agent', `${urlOf(admin)}/metrics`);

export const usageIn = (metrics: MetricsSnapshot): Usage => ({
  cpuS: metrics.sum('process_cpu_seconds_total'),
  rssBytes: metrics.sum('process_resident_memory_bytes'),
});

/** Any agent of a process tells what the whole process has used. */
export const usageOf = async (agents: readonly AgentAddresses[]): Promise<Usage> => {
  const [first] = agents;
  return first ? usageIn(await metricsOf(first.admin)) : { cpuS: 0, rssBytes: 0 };
};

/** The sum over the agents, from the ports that operators look at. */
export const countsOf = async (agents: readonly AgentAddresses[]): Promise<AgentCounts> => {
  let sum = noCounts;
  const rest = agents.values();
  const worker = async (): Promise<void> => {
    for (const agent of rest) {
      const counts = await countsOfOne(agent);
      sum = addCounts(sum, counts);
    }
  };
  await Promise.all(Array.from({ length: askedMax }, worker));
  return sum;
};

export const addCounts = (a: AgentCounts, b: AgentCounts): AgentCounts => ({
  sentBytes: a.sentBytes + b.sentBytes,
  receivedBytes: a.receivedBytes + b.receivedBytes,
  httpBytes: a.httpBytes + b.httpBytes,
  corruptPieces: a.corruptPieces + b.corruptPieces,
  messages: a.messages + b.messages,
  links: a.links + b.links,
});

const countsOfOne = async ({ admin, debug }: AgentAddresses): Promise<AgentCounts> => {
  const metrics = await metricsOf(admin);
  const { exchange } = (await debugDump(debug, 'swarms')) as { exchange: { messagesReceived: number } };
  return {
    sentBytes: metrics.sum('shoal_agent_served_bytes_total', { to: 'peer' }),
    receivedBytes: metrics.sum('shoal_agent_received_bytes_total'),
    httpBytes: metrics.sum('shoal_agent_received_bytes_total', { source: 'http' }),
    corruptPieces: metrics.sum('shoal_agent_pieces_corrupt_total'),
    messages: exchange.messagesReceived,
    links: metrics.sum('shoal_agent_links'),
  };
};

/** `/debug/<name>` of an agent. */
export const debugDump = async (debug: Address, name: string): Promise<unknown> =>
  JSON.parse(await ask('an agent', `${urlOf(debug)}/debug/${name}`));

const urlOf = (address: Address): string => `http://${formatAddress(address)}`;
