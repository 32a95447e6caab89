import { setTimeout } from 'node:timers/promises';
import { formatBytes, parseDurationMs } from '@shoal/core';
import { ClusterClient } from '../cluster/ask.ts';
import { clusterFlags, endpointsHelp, endpointsOf } from '../cluster/endpoints.ts';
import { askOrigin } from '../cluster/origin-control.ts';
import type { Command } from '../command.ts';
import { counted, printable } from '../table.ts';
import { noPositionals } from './positionals.ts';

const pollMs = 200;
const shownMax = 20;

/** As an origin answers: services/origin/src/gc/schema.ts, GcState. */
interface GcState {
  readonly state: 'running' | 'done' | 'failed';
  readonly dryRun: boolean;
  readonly repositories: number;
  readonly blobs: number;
  readonly manifests: number;
  readonly young: number;
  readonly graceMs: number;
  readonly freedBytes: number;
  readonly freedCount: number;
  readonly digests: readonly string[];
  readonly problems: readonly string[];
  readonly failure: string | null;
}

export const gc: Command = {
  name: 'gc',
  summary: 'Frees the space of blobs at the origins that no manifest of any repository reaches',
  parameters: '',
  flags: {
    ...clusterFlags,
    'dry-run': { help: 'say what would be removed and change nothing' },
    untagged: { help: 'also manifests that no tag leads to (pulls by their digest fail then)' },
    grace: { value: 'DURATION', help: 'keep what was used since then (default gc.graceMs of the origin, 24h)' },
  },
  details: `It waits until each origin is done. Pushes and pulls go on. Blobs of other registries are kept and evicted by their own
rules (fetches.keptBytesMax), blobs of \`shoal blob put\` stay until they are deleted. It fails (1) when an origin had to
leave a repository as it is.

${endpointsHelp}
SHOAL_USERNAME and SHOAL_PASSWORD are sent where there is no cluster secret.`,

  async run(given, output) {
    noPositionals(given);
    const grace = given.value('grace');
    const request = {
      ...(given.has('dry-run') && { dryRun: true }),
      ...(given.has('untagged') && { untagged: true }),
      ...(grace !== undefined && { graceMs: parseDurationMs(grace, '--grace') }),
    };
    const endpoints = await endpointsOf(given);
    const client = new ClusterClient(endpoints);
    const runs: (GcState & { readonly origin: string })[] = [];
    for (const { url } of endpoints.origins) {
      let state = await askOrigin<GcState>(client, url, 'gc', { json: request });
      while (state.state === 'running') {
        await setTimeout(pollMs);
        state = await askOrigin<GcState>(client, url, 'gc');
      }
      runs.push({ origin: url, ...state });
    }
    output.out(given.has('json') ? JSON.stringify(runs, undefined, 2) : runs.map(textOf).join('\n'));
    return runs.every(({ state, problems }) => state === 'done' && problems.length === 0) ? 0 : 1;
  },
};

const textOf = (run: GcState & { readonly origin: string }): string => {
  const { origin, dryRun, freedCount, freedBytes, blobs, manifests, repositories, young, graceMs } = run;
  const hours = `${Number((graceMs / 3_600_000).toFixed(2))} h`;
  return [
    `${origin}: ${dryRun ? 'would free' : 'freed'} ${formatBytes(freedBytes)} (${counted(freedCount, 'blob')}, manifests among them)`,
    `  ${counted(blobs, 'blob')} and ${counted(manifests, 'manifest')} ${dryRun ? 'would be ' : ''}taken out; repositories looked at: ${repositories}`,
    ...(young > 0
      ? [`  ${young} more that nothing reaches stay for now: they were used within the last ${hours}`]
      : []),
    ...(dryRun ? run.digests.slice(0, shownMax).map((digest) => `  ${digest}`) : []),
    ...(dryRun && freedCount > shownMax ? [`  and ${freedCount - shownMax} more; --json lists up to 1,000`] : []),
    ...run.problems.map((problem) => `  left as it is: ${problem}`),
    ...(run.failure === null ? [] : [`  failed: ${run.failure}`]),
  ]
    .map(printable)
    .join('\n');
};
