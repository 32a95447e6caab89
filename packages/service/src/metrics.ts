import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { addProcessMetrics } from './process-metrics.ts';

interface MetricOptions<Label extends string> {
  /** What is counted, for people; ends up as the `# HELP` line. */
  readonly help: string;
  readonly labels?: readonly Label[];
}

/**
 * The metrics of one service instance in a registry of its own: several instances live in one test process.
 * Every name starts with `shoal_<service>_`: `counter('announces_total', ...)` of the tracker is
 * `shoal_tracker_announces_total`.
 */
export interface Metrics {
  readonly registry: Registry;
  counter<Label extends string = never>(name: string, options: MetricOptions<Label>): Counter<Label>;
  /** `collect` runs at each scrape and gives the value of a gauge without labels. */
  gauge<Label extends string = never>(
    name: string,
    options: MetricOptions<Label> & { readonly collect?: () => number | Promise<number> },
  ): Gauge<Label>;
  histogram<Label extends string = never>(
    name: string,
    options: MetricOptions<Label> & { readonly buckets: readonly number[] },
  ): Histogram<Label>;
  /** Gives back what the process metrics hold. */
  close(): void;
}

export const createMetrics = (service: string, options: { readonly version?: string } = {}): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  const name = (short: string): string => `shoal_${service}_${short}`;
  const closeProcessMetrics = addProcessMetrics(registry, { service, version: options.version ?? 'unknown' });
  return {
    registry,
    counter: (short, { help, labels = [] }) =>
      new Counter({ name: name(short), help, labelNames: [...labels], registers }),
    gauge: (short, { help, labels = [], collect }) =>
      new Gauge({
        name: name(short),
        help,
        labelNames: [...labels],
        registers,
        ...(collect && {
          async collect(this: Gauge) {
            this.set(await collect());
          },
        }),
      }) as never,
    histogram: (short, { help, labels = [], buckets }) =>
      new Histogram({ name: name(short), help, labelNames: [...labels], buckets: [...buckets], registers }),
    close: () => {
      closeProcessMetrics();
      registry.clear();
    },
  };
};

/** Buckets for durations in seconds, from a local hit to a very large pull. */
export const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;

/** Buckets for sizes in bytes: 1 MiB to 16 GiB in steps of four. */
export const bytesBuckets = Array.from({ length: 8 }, (_, index) => 4 ** index * 1024 * 1024);
