/** A process with several agents: the production class, each with its own sockets, files, limits and metrics. */
import { join } from 'node:path';
import { Agent, agentConfig } from '@shoal/agent';
import { MiB } from '@shoal/core';
import { createLogger, loadConfig } from '@shoal/service';
import { completionLog } from './completions.ts';
import { type HostAnswer, type HostSpec, stopMessage } from './host-messages.ts';

/** The ladder of an agent reckons with peers of this rate (services/agent, ladder.ts); on slower links all takes longer. */
const usualRate = 8 * MiB;
/** The services' own deadlines, and the longest that their configuration allows. */
const deadlinesMs = {
  firstByteMs: { usual: 10_000, max: 300_000 },
  stallMs: { usual: 30_000, max: 3_600_000 },
  fallbackMs: { usual: 2000, max: 300_000 },
  originMs: { usual: 3000, max: 60_000 },
  trackerMs: { usual: 2000, max: 60_000 },
  peerMs: { usual: 2000, max: 60_000 },
  linkMs: { usual: 5000, max: 60_000 },
};

/** Deadlines stretched for agents that get less than they are meant for: a slow link, or little of this machine. */
const deadlinesFor = (bytesPerSecond: number): Record<string, number> => {
  const slowness = Math.max(1, usualRate / bytesPerSecond);
  return Object.fromEntries(
    Object.entries(deadlinesMs).map(([key, { usual, max }]) => [key, Math.min(max, Math.round(usual * slowness))]),
  );
};

/** Agents that start at the same time. */
const startsMax = 8;

const anyPort = { host: '127.0.0.1', port: 0 };
const warn = (line: string): void => void process.stderr.write(line);

const startAgent = (spec: HostSpec, index: number): Promise<Agent> => {
  const { folder, origin, tracker, rate, expectedRate, verbose } = spec;
  const config = loadConfig(agentConfig, {
    values: {
      cluster: { id: 'local' },
      registry: anyPort,
      pieces: anyPort,
      admin: anyPort,
      debug: anyPort,
      origins: [origin],
      trackers: [tracker],
      cache: { folder: join(folder, `agent-${index}`) },
      deadlines: deadlinesFor(expectedRate),
      limits: { uploadBytesPerSecondMax: rate, downloadBytesPerSecondMax: rate },
    },
  });
  const complete = (): void => answer({ type: 'complete', index, atMs: performance.timeOrigin + performance.now() });
  const destination = completionLog(complete, verbose ? warn : undefined);
  const log = createLogger({ service: `agent-${index}`, level: 'info', destination });
  return Agent.start(config, { log });
};

const startAll = async (spec: HostSpec): Promise<Agent[]> => {
  const agents: Agent[] = [];
  const indexes = Array.from({ length: spec.count }, (_, index) => index).values();
  const worker = async (): Promise<void> => {
    for (const index of indexes) agents[index] = await startAgent(spec, index);
  };
  await Promise.all(Array.from({ length: startsMax }, worker));
  return agents;
};

const answer = (message: HostAnswer): void => void process.send?.(message);

// Whoever started this process is gone: nobody waits for its agents.
process.on('disconnect', () => process.exit());

process.once('message', (spec: HostSpec) => {
  const emptyRssBytes = process.memoryUsage.rss();
  startAll(spec).then(
    (agents) => {
      process.once('message', (message) => {
        if (message === stopMessage)
          void Promise.all(agents.map((agent) => agent.stop())).finally(() => process.exit());
      });
      answer({ type: 'ready', emptyRssBytes, agents: agents.map(({ addresses }) => addresses) });
    },
    (error: unknown) => answer({ type: 'failed', reason: error instanceof Error ? error.message : String(error) }),
  );
});
