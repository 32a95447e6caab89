import { clusterFlags, endpointsHelp, endpointsOf } from '../cluster/endpoints.ts';
import { clusterState } from '../cluster/snapshot.ts';
import { stateText } from '../cluster/state-text.ts';
import type { Command } from '../command.ts';
import { noPositionals } from './positionals.ts';

export const status: Command = {
  name: 'status',
  summary: 'Shows the cluster at a glance, and where the bytes of its agents came from',
  parameters: '',
  flags: clusterFlags,
  details: `Figures are read from the metrics of each process and summed up over the agents. It fails (1) when a process does not
answer or is not ready.

${endpointsHelp}`,

  async run(given, output) {
    noPositionals(given);
    const state = await clusterState(await endpointsOf(given));
    output.out(given.has('json') ? JSON.stringify(state, undefined, 2) : stateText(state));
    return state.processes.every((process) => process.state === 'ready') ? 0 : 1;
  },
};
