import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Digest, digestOf, formatBytes, KiB, pieceLengthFor } from '@shoal/core';
import { Cluster, type ClusterNode, type MetricsSnapshot } from '@shoal/local';
import { type BenchArguments, machineRate } from './arguments.ts';
import { ask, askMetrics } from './ask.ts';
import { newPull, type Pull, pullBlob } from './client.ts';
import type { HostSpec } from './host-messages.ts';
import { HostProcess } from './host-process.ts';
import { addCounts, type AgentCounts, countsOf, type Usage, usageIn, usageOf } from './load.ts';
import { congestionControl } from './network.ts';
import { Progress } from './progress.ts';
import { type Measured, problemsOf, type Report, reportOf, type TrackerLoad } from './report.ts';
import { ShareWatch } from './share.ts';
import { handlingP99S, requestsIn, TrackerWatch } from './tracker-watch.ts';

const repository = 'bench/blob';
/** M = 256 pieces, where they are not shorter than the shortest. */
const policy = { piecesTarget: 256, lengthMin: 256 * KiB, lengthMax: 32 * 1024 * KiB };
/** A run that is not over by then has failed. */
const runTimeoutMs = 1_200_000;
const pushTimeoutMs = 300_000;
/** Buckets of the services' histograms of seconds. */
const edges = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export interface Outcome {
  readonly report: Report;
  /** Empty when every living agent has delivered the right bytes. */
  readonly problems: readonly string[];
}

/** One run in a temporary folder: processes up, blob pushed, all clients at once, everything down again. */
export const runBench = async (options: BenchArguments): Promise<Outcome> => {
  const progress = new Progress();
  const folder = await mkdtemp(path.join(tmpdir(), 'shoal-bench-'));
  const trouble = new AbortController();
  const fail = (why: string): void => trouble.abort(new Error(why));
  const interrupted = (): void => fail('interrupted');
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  const late = setTimeout(() => fail(`not over after ${runTimeoutMs / 1000} s`), runTimeoutMs);
  try {
    await using parts = new AsyncDisposableStack();
    const cluster = parts.use(await startCluster(options, folder, fail));
    const digest = await pushBlob(cluster.origin, options.size);
    progress.say(`${formatBytes(options.size)} pushed; starting ${options.agents} agents`);
    const hosts = await startHosts(parts, { options, folder, cluster, fail, signal: trouble.signal });
    return await measure({ options, cluster, hosts, digest, progress, signal: trouble.signal });
  } finally {
    clearTimeout(late);
    process.off('SIGINT', interrupted).off('SIGTERM', interrupted);
    progress.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

/** An origin and a tracker, each a process of its own. */
const startCluster = ({ originRate }: BenchArguments, folder: string, fail: (why: string) => void): Promise<Cluster> =>
  Cluster.start({
    agents: 0,
    basePort: 'free',
    data: folder,
    overrides: {
      origin: {
        limits: { uploadBytesPerSecondMax: originRate },
        pieceLength: { piecesTarget: policy.piecesTarget, minBytes: policy.lengthMin, maxBytes: policy.lengthMax },
      },
    },
    onDeath: ({ name, ports }, status, lines) =>
      fail(`${name} at 127.0.0.1:${ports.http} ended by itself: ${JSON.stringify(status)}\n${lines.join('\n')}`),
  });

const pushBlob = async (origin: ClusterNode, size: number): Promise<Digest> => {
  const bytes = Buffer.allocUnsafe(size);
  const step = 64 * 1024 * KiB;
  for (let at = 0; at < size; at += step) bytes.set(randomBytes(Math.min(step, size - at)), at);
  const digest = digestOf('sha256', createHash('sha256').update(bytes).digest());
  const url = `${origin.url}/shoal/v1/namespaces/${repository}/blobs/${digest}`;
  await ask('the origin', url, { method: 'PUT', body: bytes, signal: AbortSignal.timeout(pushTimeoutMs) });
  return digest;
};

/** The processes of the agents: those that live, and one for all that are to be killed. */
interface Hosts {
  readonly living: readonly HostProcess[];
  readonly doomed: HostProcess | undefined;
}

interface HostsOptions {
  readonly options: BenchArguments;
  readonly folder: string;
  readonly cluster: Cluster;
  readonly fail: (why: string) => void;
  /** Aborted: nobody waits for goodbyes. */
  readonly signal: AbortSignal;
}

const startHosts = async (
  parts: AsyncDisposableStack,
  { options, folder, cluster, fail, signal }: HostsOptions,
): Promise<Hosts> => {
  const { agents, killed, rate, verbose } = options;
  const [tracker] = cluster.trackers;
  const start = async (count: number, name: string): Promise<HostProcess> => {
    const spec: HostSpec = {
      count,
      folder: path.join(folder, name),
      origin: cluster.origin.url,
      tracker: tracker?.url ?? '',
      rate,
      expectedRate: Math.min(rate === 0 ? Infinity : rate, machineRate / agents),
      verbose,
    };
    const host = await HostProcess.start(spec, fail);
    parts.defer(() => host.stop());
    signal.addEventListener('abort', () => void host.kill(), { once: true });
    return host;
  };
  const counts = spread(agents - killed, options.processes);
  const living = await Promise.all(counts.map((count, index) => start(count, `agents-${index}`)));
  return { living, doomed: killed > 0 ? await start(killed, 'agents-killed') : undefined };
};

/** `total` in so many parts that differ by one at most; none is empty. */
export const spread = (total: number, parts: number): number[] =>
  Array.from({ length: parts }, (_, index) => Math.floor((total + index) / parts)).filter((count) => count > 0);

interface Stage {
  readonly options: BenchArguments;
  readonly cluster: Cluster;
  readonly hosts: Hosts;
  readonly digest: Digest;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** All clients begin at once; the counters of all processes are read before and after. */
const measure = async (stage: Stage): Promise<Outcome> => {
  const { options, cluster, hosts, progress, signal } = stage;
  const tracker = cluster.trackers[0] ?? cluster.origin;
  const readTracker = (): Promise<MetricsSnapshot> => askMetrics('the tracker', tracker.metricsUrl);
  const before = await snapshot(stage, readTracker);
  const watch = new TrackerWatch(readTracker);
  progress.say(`all agents are up; ${options.agents} clients pull at once`);
  const startedMs = performance.now();
  const clientCpu = process.cpuUsage();
  const { pulls, lost } = await pullAll(stage);
  const clientUsed = process.cpuUsage(clientCpu);
  progress.stop();
  await watch.stop();
  // A process that ended by itself is the reason, and not that it does not answer now.
  signal.throwIfAborted();
  const after = await snapshot(stage, readTracker);
  const counts = addCounts(await countsOf(hosts.living.flatMap(({ agents }) => agents)), lost.counts);
  const measured: Measured = {
    options,
    pieceLength: pieceLengthFor(options.size, policy),
    pulls,
    completeMs: hosts.living.flatMap(({ agents, completeMs }) => agents.map((_, index) => completeMs[index])),
    startedMs,
    agentCounts: counts,
    originBytes: originSent(after.origin) - originSent(before.origin),
    agentUsage: {
      cpuS: after.agents.cpuS + lost.usage.cpuS - before.agents.cpuS,
      rssBytes: after.agents.rssBytes,
    },
    emptyRssBytes: Math.max(...hosts.living.map(({ emptyRssBytes }) => emptyRssBytes)),
    idleRssBytes: before.agents.rssBytes,
    originUsage: used(before.origin, after.origin),
    clientCpuS: (clientUsed.user + clientUsed.system) / 1e6,
    tracker: trackerLoad(before.tracker, after.tracker, watch),
    congestionControl: congestionControl(),
  };
  const report = reportOf(measured);
  return { report, problems: problemsOf(report, pulls) };
};

interface Lost {
  readonly counts: AgentCounts;
  readonly usage: Usage;
}

const nothingLost: Lost = {
  counts: { sentBytes: 0, receivedBytes: 0, httpBytes: 0, corruptPieces: 0, messages: 0, links: 0 },
  usage: { cpuS: 0, rssBytes: 0 },
};

/** The clients of the agents that live, and what the others had counted when they were killed. */
const pullAll = async (stage: Stage): Promise<{ pulls: readonly Pull[]; lost: Lost }> => {
  const { options, hosts, digest, progress, signal } = stage;
  const { size } = options;
  const end = new AbortController();
  const start = (agents: HostProcess['agents'], stop: AbortSignal): { pulls: Pull[]; done: Promise<unknown> } => {
    const pulls = agents.map(newPull);
    const running = agents.map(({ registry }, index) =>
      pullBlob(pulls[index] ?? newPull(), { agent: registry, repository, digest, size, signal: stop }),
    );
    return { pulls, done: Promise.all(running) };
  };
  const living = start(
    hosts.living.flatMap(({ agents }) => agents),
    signal,
  );
  const doomed = start(hosts.doomed?.agents ?? [], AbortSignal.any([signal, end.signal]));
  const watch = new ShareWatch(hosts.living.flatMap(({ agents }) => agents));
  progress.watch({ share: () => watch.share, pulls: living.pulls });
  const killing = hosts.doomed ? killHalfway(hosts.doomed, watch, signal) : undefined;
  await living.done;
  await watch.stop();
  const lost = (await killing) ?? nothingLost;
  end.abort(new Error('killed'));
  await doomed.done;
  return { pulls: living.pulls, lost };
};

const lookEveryMs = 20;

/** Kills a process of agents when the others have half of the blob; resolves to what its agents had counted by then. */
const killHalfway = async (host: HostProcess, watch: ShareWatch, signal: AbortSignal): Promise<Lost> => {
  const { promise: reached, resolve } = Promise.withResolvers<void>();
  const timer = setInterval(() => {
    if (watch.share >= 0.5 || signal.aborted) resolve();
  }, lookEveryMs);
  await reached;
  clearInterval(timer);
  const [counts, usage] = await Promise.all([countsOf(host.agents), usageOf(host.agents)]);
  await host.kill();
  return { counts, usage };
};

const snapshot = async ({ cluster, hosts }: Stage, readTracker: () => Promise<MetricsSnapshot>) => {
  const all = [...hosts.living, ...(hosts.doomed?.running ? [hosts.doomed] : [])];
  const [origin, tracker, ...usages] = await Promise.all([
    askMetrics('the origin', cluster.origin.metricsUrl),
    readTracker(),
    ...all.map(({ agents }) => usageOf(agents)),
  ]);
  const sum = (pick: (usage: Usage) => number): number => usages.reduce((total, usage) => total + pick(usage), 0);
  return { origin, tracker, agents: { cpuS: sum(({ cpuS }) => cpuS), rssBytes: sum(({ rssBytes }) => rssBytes) } };
};

const originSent = (metrics: MetricsSnapshot): number =>
  ['swarm', 'http'].reduce((sum, to) => sum + metrics.sum('shoal_origin_sent_bytes_total', { to }), 0);

const used = (before: MetricsSnapshot, after: MetricsSnapshot): Usage => {
  const usage = usageIn(after);
  return { ...usage, cpuS: usage.cpuS - usageIn(before).cpuS };
};

const trackerLoad = (before: MetricsSnapshot, after: MetricsSnapshot, watch: TrackerWatch): TrackerLoad => {
  const counted = (name: string): number => after.sum(name) - before.sum(name);
  const answered = requestsIn(after) - requestsIn(before);
  const good = ['200', '204'].reduce((sum, status) => sum + after.sum('shoal_tracker_requests_total', { status }), 0);
  return {
    usage: used(before, after),
    announces: counted('shoal_tracker_announces_total'),
    requests: answered,
    failed: requestsIn(after) - good,
    requestsPerSecondMax: watch.requestsPerSecondMax,
    handlingP99S: handlingP99S(after, edges),
  };
};
