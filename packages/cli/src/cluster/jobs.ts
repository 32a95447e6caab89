import { setTimeout } from 'node:timers/promises';
import { progressOn } from '../pull/progress.ts';
import { printable, table } from '../table.ts';
import type { ClusterClient } from './ask.ts';

const pollMs = 500;

interface NodeState {
  readonly name: string;
  readonly state: string;
  readonly detail?: string;
}

/** As the tracker answers: services/tracker/src/preheat/jobs.ts, JobState. */
export interface JobState {
  readonly id: string;
  readonly kind: 'preheat' | 'purge';
  readonly nodes: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly counts: Readonly<Record<'waiting' | 'running' | 'done' | 'failed' | 'lost', number>>;
  readonly failures: readonly NodeState[];
  /** Done, but something was left out. */
  readonly remarks: readonly NodeState[];
}

export interface Waiting {
  readonly trackers: readonly string[];
  readonly timeoutMs: number;
  /** Nothing is shown meanwhile. */
  readonly silent: boolean;
}

/** Until each node has done it, has failed or is gone, or the time is over. */
export const waitForJob = async (client: ClusterClient, begun: JobState, o: Waiting): Promise<JobState> => {
  let job = begun;
  const progress = progressOn(process.stderr, !o.silent, String);
  const line = progress.begin('nodes', endedOf(job) + job.counts.waiting + job.counts.running);
  line.add(endedOf(job));
  const untilMs = performance.now() + o.timeoutMs;
  try {
    while (job.state === 'running' && performance.now() < untilMs) {
      await setTimeout(pollMs);
      const before = endedOf(job);
      job = await client.json<JobState>(o.trackers, `/shoal/v1/${job.kind}s/${encodeURIComponent(job.id)}`);
      line.add(endedOf(job) - before);
    }
  } finally {
    progress.stop();
  }
  return job;
};

const endedOf = ({ counts }: JobState): number => counts.done + counts.failed + counts.lost;

/** Whether the command that asked for it has done what was asked. */
export const endedWell = ({ state }: JobState, waited: boolean): boolean =>
  state !== 'failed' && !(waited && state === 'running');

export const jobText = (what: string, { id, state, counts, failures, remarks }: JobState): string => {
  const figures = Object.entries(counts).filter(([, count]) => count > 0);
  const rows = [...failures, ...remarks].map(({ name, state: how, detail = 'the node is gone' }) => [
    `  ${name}`,
    how,
    detail,
  ]);
  return [
    `${what}: ${state} (id ${id}); nodes: ${figures.map(([name, count]) => `${count} ${name}`).join(', ')}`,
    ...table(rows),
  ]
    .map(printable)
    .join('\n');
};
