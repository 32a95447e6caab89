import { graph, type Panel, type Query } from './grafana.ts';

const chosen = 'instance=~"$instance"';

/** Per second, by the labels named. */
export const rate = (metric: string, by: readonly string[], matching = ''): string =>
  `sum${by.length === 0 ? '' : ` by (${by.join(', ')})`} (rate(${metric}${matching && `{${matching}}`}[$__rate_interval]))`;

/** Zero where there is nothing, which is good news of an error. */
export const orZero = (expr: string): string => `(${expr}) or on () vector(0)`;

/** The median and the 99th percentile of a histogram, by a label. */
export const percentiles = (histogram: string, label: string, matching = ''): Query[] =>
  [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, ${rate(`${histogram}_bucket`, ['le', label], matching)})`,
    legend: `{{${label}}} p${quantile * 100}`,
  }));

/** What every process tells of itself, for those that `ready` is a metric of. */
export const processPanels = (ready: string): Panel[] => {
  const ofThese = `and on (job, instance) ${ready}`;
  return [
    graph({
      title: 'Event-loop delay',
      description: 'How late timers run, 99th percentile. Everything in the process waits that long.',
      unit: 's',
      queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${chosen}} ${ofThese}`, legend: '{{instance}}' }],
    }),
    graph({
      title: 'CPU',
      description: 'CPU-seconds a second. Hashing and the sending of pieces share one CPU.',
      unit: 'short',
      queries: [
        { expr: `rate(process_cpu_seconds_total{${chosen}}[$__rate_interval]) ${ofThese}`, legend: '{{instance}}' },
      ],
    }),
    graph({
      title: 'Memory',
      description: 'Resident memory.',
      unit: 'bytes',
      queries: [{ expr: `process_resident_memory_bytes{${chosen}} ${ofThese}`, legend: '{{instance}}' }],
    }),
    graph({
      title: 'File descriptors',
      description: 'Open ones, as a part of those allowed.',
      unit: 'percentunit',
      queries: [
        {
          expr: `process_open_fds{${chosen}} / (process_max_fds{${chosen}} > 0) ${ofThese}`,
          legend: '{{instance}}',
        },
      ],
    }),
  ];
};

/** A matcher for the instances that are chosen, and more. */
export const onChosen = (more = ''): string => (more === '' ? chosen : `${chosen},${more}`);
