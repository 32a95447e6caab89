import { setTimeout } from 'node:timers/promises';
import { parseDurationMs } from '@shoal/core';
import { type Asked, asked, ClusterClient } from '../cluster/ask.ts';
import { clusterFlags, endpointsHelp, endpointsOf } from '../cluster/endpoints.ts';
import type { Command, Output } from '../command.ts';
import { UsageError } from '../errors.ts';
import { Screen } from '../top/screen.ts';
import { type Live, liveLine, liveText } from '../top/view.ts';
import { noPositionals } from './positionals.ts';

const intervalMsMin = 200;

interface Source {
  readonly tracker: string;
  readonly intervalMs: number;
  ask(): Promise<Asked<Live>>;
}

export const top: Command = {
  name: 'top',
  summary: 'Shows the swarms and nodes as they work, until q is pressed',
  parameters: '',
  flags: {
    ...clusterFlags,
    once: { help: 'show it once and end' },
    interval: { value: 'DURATION', help: 'how often it is drawn (default 1s)' },
  },
  details: `What the first tracker that answers has heard. Where standard output is no terminal it writes one line at each interval.
--json prints one document and ends.

${endpointsHelp}`,

  async run(given, output) {
    noPositionals(given);
    const intervalMs = parseDurationMs(given.value('interval') ?? '1s', '--interval');
    if (intervalMs < intervalMsMin)
      throw new UsageError(`--interval: ${intervalMs} ms is not allowed; allowed is ${intervalMsMin} ms or more`);
    const endpoints = await endpointsOf(given);
    const client = new ClusterClient(endpoints);
    const trackers = endpoints.trackers.map(({ url }) => url);
    const ask = (): Promise<Live> => client.json<Live>(trackers, '/shoal/v1/live');
    const first = await ask();
    const source: Source = { tracker: trackers.join(', '), intervalMs, ask: () => asked(ask()) };
    if (given.has('json')) output.out(JSON.stringify(first, undefined, 2));
    else if (given.has('once')) output.out(liveText(first, source.tracker).join('\n'));
    else if (process.stdout.isTTY) await onScreen(first, source);
    else await inLines(first, source, output);
    return 0;
  },
};

const onScreen = async (first: Live, { tracker, intervalMs, ask }: Source): Promise<void> => {
  let live: Asked<Live> = { value: first };
  let known = first;
  const draw = (): void => {
    const trouble = 'failure' in live ? [`NO ANSWER: ${live.failure}; the last picture:`] : [];
    screen.draw([...trouble, ...liveText(known, `${tracker}  (q quits)`, screen.rows - trouble.length)]);
  };
  using screen = new Screen(process.stdin, process.stdout, () => draw());
  while (!screen.quit.aborted) {
    draw();
    await setTimeout(intervalMs, undefined, { signal: screen.quit }).catch(() => undefined);
    if (screen.quit.aborted) return;
    live = await Promise.race([ask(), aborted(screen.quit)]);
    if ('value' in live) known = live.value;
  }
};

const aborted = (signal: AbortSignal): Promise<Asked<Live>> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve({ failure: 'stopped' }), { once: true });
  });

/** Until whoever reads them has gone, or a signal ends the process. */
const inLines = async (first: Live, { intervalMs, ask }: Source, output: Output): Promise<void> => {
  let isGone = false;
  process.stdout.once('error', () => (isGone = true));
  for (let live: Asked<Live> = { value: first }; !isGone; live = await ask()) {
    if ('value' in live) output.out(liveLine(live.value));
    else output.err(`shoal: ${live.failure}`);
    await setTimeout(intervalMs);
  }
};
