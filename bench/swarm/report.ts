import { pieceCountOf } from '@shoal/core';
import { lowerBoundMs, quantile, type Report as SimReport, round, seconds, sorted } from '@shoal/sim';
import type { BenchArguments } from './arguments.ts';
import type { Pull } from './client.ts';
import type { AgentCounts, Usage } from './load.ts';

/** What a run has measured: counts and usage are the differences between its start and its end. */
export interface Measured {
  readonly options: BenchArguments;
  readonly pieceLength: number;
  /** Of the agents that were not killed; `completeMs`: when each had the whole blob, in the same order. */
  readonly pulls: readonly Pull[];
  readonly completeMs: readonly (number | undefined)[];
  readonly startedMs: number;
  readonly agentCounts: AgentCounts;
  readonly originBytes: number;
  readonly agentUsage: Usage;
  readonly emptyRssBytes: number;
  /** Resident memory of the agents' processes before the swarm began. */
  readonly idleRssBytes: number;
  readonly originUsage: Usage;
  readonly clientCpuS: number;
  readonly tracker: TrackerLoad;
  readonly congestionControl: string | undefined;
}

export interface TrackerLoad {
  readonly usage: Usage;
  readonly announces: number;
  readonly requests: number;
  readonly failed: number;
  readonly requestsPerSecondMax: number;
  /** Upper edge of the histogram's bucket. */
  readonly handlingP99S: number | undefined;
}

/** The keys that a simulated and a real swarm share (packages/sim, report.ts); without a rate there is no bound. */
type SharedKeys =
  | 'agents'
  | 'pieces'
  | 'completed'
  | 'makespanS'
  | 'p50S'
  | 'p99S'
  | 'p999S'
  | 'firstByteP50S'
  | 'firstByteP99S'
  | 'originCopies'
  | 'duplicateRatio'
  | 'messagesPerNode'
  | 'corruptPieces';
type RatioKeys = 'boundS' | 'makespanRatio' | 'p50Ratio' | 'p99Ratio' | 'p999Ratio';

export interface Report extends Pick<SimReport, SharedKeys>, Partial<Pick<SimReport, RatioKeys>> {
  readonly clientP50S: number;
  readonly clientP99S: number;
  readonly clientMaxS: number;
  readonly sizeBytes: number;
  readonly rateBytesPerS: number;
  readonly originRateBytesPerS: number;
  readonly processes: number;
  readonly killed: number;
  readonly digestsRight: number;
  readonly retries: number;
  /** Of all bytes; what the agents fetched from the origin by HTTP. */
  readonly httpRatio: number;
  readonly linksPerAgent: number;
  readonly agentCpuSPerGB: number;
  readonly originCpuSPerGB: number;
  readonly clientCpuSPerGB: number;
  readonly rssMiBPerAgent: number;
  readonly idleRssMiBPerAgent: number;
  readonly emptyProcessRssMiB: number;
  readonly originCpuS: number;
  readonly originRssMiB: number;
  readonly trackerCpuS: number;
  readonly trackerRssMiB: number;
  readonly trackerAnnounces: number;
  readonly trackerRequests: number;
  readonly trackerRequestsFailed: number;
  readonly trackerRequestsPerSMax: number;
  readonly trackerHandlingP99S?: number | undefined;
  /** Of the connections between all of them. */
  readonly congestionControl?: string;
}

const GB = 1e9;
const MiB = 1024 * 1024;

/**
 * Seconds count from the client's request, to the first byte and the last one at the client (`client...`), and to the
 * moment when the agent had all pieces (the others), which is what the simulator measures. CPU seconds are per GB that
 * the agents got.
 */
export const reportOf = (measured: Measured): Report => {
  const { options, pulls, pieceLength, agentCounts: counts, originBytes, agentUsage, tracker } = measured;
  const { agents, size, processes, killed } = options;
  const received = counts.receivedBytes;
  const perGB = (cpuS: number): number => round((cpuS * GB) / received);
  const toMiB = (bytes: number): number => round(bytes / MiB);
  // A process of its own for those that are killed is not there any more.
  const living = agents - killed;
  return {
    agents,
    pieces: pieceCountOf(size, pieceLength),
    completed: measured.completeMs.filter((ms) => ms !== undefined).length,
    ...times(measured),
    originCopies: round(originBytes / size),
    duplicateRatio: round(Math.max(0, counts.sentBytes + originBytes - received) / received),
    messagesPerNode: Math.round(counts.messages / agents),
    corruptPieces: counts.corruptPieces,
    sizeBytes: size,
    rateBytesPerS: options.rate,
    originRateBytesPerS: options.originRate,
    processes,
    killed,
    digestsRight: pulls.filter(({ doneMs }) => doneMs !== undefined).length,
    retries: pulls.reduce((sum, { retries }) => sum + retries, 0),
    httpRatio: round(counts.httpBytes / received),
    linksPerAgent: round(counts.links / living),
    agentCpuSPerGB: perGB(agentUsage.cpuS),
    originCpuSPerGB: perGB(measured.originUsage.cpuS),
    clientCpuSPerGB: perGB(measured.clientCpuS),
    rssMiBPerAgent: toMiB(agentUsage.rssBytes / living),
    idleRssMiBPerAgent: toMiB(measured.idleRssBytes / agents),
    emptyProcessRssMiB: toMiB(measured.emptyRssBytes),
    originCpuS: round(measured.originUsage.cpuS),
    originRssMiB: toMiB(measured.originUsage.rssBytes),
    trackerCpuS: round(tracker.usage.cpuS),
    trackerRssMiB: toMiB(tracker.usage.rssBytes),
    trackerAnnounces: tracker.announces,
    trackerRequests: tracker.requests,
    trackerRequestsFailed: tracker.failed,
    trackerRequestsPerSMax: round(tracker.requestsPerSecondMax),
    ...(tracker.handlingP99S !== undefined && { trackerHandlingP99S: tracker.handlingP99S }),
    ...(measured.congestionControl !== undefined && { congestionControl: measured.congestionControl }),
  };
};

const times = ({ options, pulls, completeMs, pieceLength, startedMs }: Measured) => {
  const since = (moments: readonly (number | undefined)[]): number[] =>
    sorted(moments.flatMap((ms, index) => (ms === undefined ? [] : [ms - (pulls[index]?.startedMs ?? startedMs)])));
  const took = since(completeMs);
  const firstByte = since(pulls.map(({ firstByteMs }) => firstByteMs));
  const client = since(pulls.map(({ doneMs }) => doneMs));
  const makespanMs = Math.max(startedMs, ...completeMs.map((ms) => ms ?? startedMs)) - startedMs;
  const [p50, p99, p999] = [quantile(took, 0.5), quantile(took, 0.99), quantile(took, 0.999)];
  const boundMs = boundOf(options, pieceLength);
  return {
    makespanS: seconds(makespanMs),
    p50S: seconds(p50),
    p99S: seconds(p99),
    p999S: seconds(p999),
    firstByteP50S: seconds(quantile(firstByte, 0.5)),
    firstByteP99S: seconds(quantile(firstByte, 0.99)),
    clientP50S: seconds(quantile(client, 0.5)),
    clientP99S: seconds(quantile(client, 0.99)),
    clientMaxS: seconds(client.at(-1) ?? 0),
    ...(boundMs !== undefined && {
      boundS: seconds(boundMs),
      makespanRatio: round(makespanMs / boundMs),
      p50Ratio: round(p50 / boundMs),
      p99Ratio: round(p99 / boundMs),
      p999Ratio: round(p999 / boundMs),
    }),
  };
};

/** The simulator's bound, of all agents (killed ones as well); undefined where a rate is without limit. */
const boundOf = ({ agents, size, rate, originRate }: BenchArguments, pieceLength: number): number | undefined => {
  if (rate === 0 || originRate === 0) return undefined;
  return lowerBoundMs({
    bytesOfOne: size,
    bytesOfAll: agents * size,
    bytesDistinct: size,
    pieceBytes: Math.min(size, pieceLength),
    agents,
    origins: 1,
    agentUp: rate / 1000,
    agentsUp: (agents * rate) / 1000,
    agentDown: rate / 1000,
    originUp: originRate / 1000,
  });
};

/** What makes a run a failure, in words. */
export const problemsOf = ({ digestsRight, agents, killed }: Report, pulls: readonly Pull[]): string[] => {
  const problems = pulls
    .map(({ failure }, index) => (failure === undefined ? undefined : `client ${index}: ${failure}`))
    .filter((problem) => problem !== undefined);
  if (digestsRight === agents - killed && problems.length === 0) return [];
  return [
    `${agents - killed - digestsRight} of ${agents - killed} agents did not deliver the blob`,
    ...problems.slice(0, 10),
  ];
};
