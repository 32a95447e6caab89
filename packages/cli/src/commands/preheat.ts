import { setTimeout } from 'node:timers/promises';
import { parseDurationMs, parseImageName } from '@shoal/core';
import { ClusterClient } from '../cluster/ask.ts';
import { clusterFlags, endpointsHelp, endpointsOf, registryNames } from '../cluster/endpoints.ts';
import type { Command } from '../command.ts';
import { progressOn } from '../pull/progress.ts';
import { printable, table } from '../table.ts';
import { positionalsOf } from './positionals.ts';

const pollMs = 500;

/** As the tracker answers: services/tracker/src/preheat/jobs.ts, JobState. */
interface JobState {
  readonly id: string;
  readonly image: string;
  readonly nodes: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly counts: Readonly<Record<'waiting' | 'running' | 'done' | 'failed' | 'lost', number>>;
  readonly failures: readonly { readonly name: string; readonly state: string; readonly detail?: string }[];
}

export const preheat: Command = {
  name: 'preheat',
  summary: 'Lets nodes fetch an image before it is wanted',
  parameters: '<image>',
  flags: {
    ...clusterFlags,
    nodes: {
      value: 'SELECTOR',
      help: 'which nodes: name=a|b, zone=eu-1, label.disk=ssd, 25%, with commas between (default all)',
    },
    id: { value: 'ID', help: 'the same id again is the same preheating, and its state (default a new one)' },
    wait: { help: 'until all nodes have it' },
    timeout: { value: 'DURATION', help: 'how long --wait waits (default 30m)' },
  },
  details: `Nodes hear of it in the answer to their next heartbeat to a tracker. All terms of a selector must hold; a share is
taken of the nodes that match, and counts nodes that live now. With --wait it fails (1) when a node fails or is gone.

${endpointsHelp}`,

  async run(given, output) {
    const [raw] = positionalsOf(given.positionals, ['image']);
    const timeoutMs = parseDurationMs(given.value('timeout') ?? '30m', '--timeout');
    const endpoints = await endpointsOf(given);
    const image = parseImageName(raw, registryNames(endpoints)).text;
    const [id, nodes] = [given.value('id'), given.value('nodes')];
    const client = new ClusterClient(endpoints);
    const trackers = endpoints.trackers.map(({ url }) => url);
    const json = { image, ...(id !== undefined && { id }), ...(nodes !== undefined && { nodes }) };
    let job = await client.json<JobState>(trackers, '/shoal/v1/preheats', { json });
    if (given.has('wait')) {
      const progress = progressOn(process.stderr, !given.has('json'), String);
      const line = progress.begin('nodes', endedOf(job) + job.counts.waiting + job.counts.running);
      line.add(endedOf(job));
      const untilMs = performance.now() + timeoutMs;
      while (job.state === 'running' && performance.now() < untilMs) {
        await setTimeout(pollMs);
        const before = endedOf(job);
        job = await client.json<JobState>(trackers, `/shoal/v1/preheats/${encodeURIComponent(job.id)}`);
        line.add(endedOf(job) - before);
      }
      progress.stop();
    }
    output.out(given.has('json') ? JSON.stringify(job, undefined, 2) : report(job));
    return job.state === 'failed' || (given.has('wait') && job.state === 'running') ? 1 : 0;
  },
};

const endedOf = ({ counts }: JobState): number => counts.done + counts.failed + counts.lost;

const report = ({ id, image, state, counts, failures }: JobState): string => {
  const figures = Object.entries(counts).filter(([, count]) => count > 0);
  const rows = failures.map(({ name, state: how, detail = 'the node is gone' }) => [`  ${name}`, how, detail]);
  return [
    `${image}: ${state} (id ${id}); nodes: ${figures.map(([name, count]) => `${count} ${name}`).join(', ')}`,
    ...table(rows),
  ]
    .map(printable)
    .join('\n');
};
