import { parseDurationMs, parseImageName } from '@shoal/core';
import { ClusterClient } from '../cluster/ask.ts';
import { clusterFlags, endpointsHelp, endpointsOf, registryNames } from '../cluster/endpoints.ts';
import { endedWell, type JobState, jobText, waitForJob } from '../cluster/jobs.ts';
import type { Command } from '../command.ts';
import { positionalsOf } from './positionals.ts';

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
    const begun = await client.json<JobState>(trackers, '/shoal/v1/preheats', { json });
    const waiting = { trackers, timeoutMs, silent: given.has('json') };
    const job = given.has('wait') ? await waitForJob(client, begun, waiting) : begun;
    output.out(given.has('json') ? JSON.stringify(job, undefined, 2) : jobText(image, job));
    return endedWell(job, given.has('wait')) ? 0 : 1;
  },
};
