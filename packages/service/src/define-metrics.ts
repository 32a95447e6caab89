export type MetricType = 'counter' | 'gauge' | 'histogram';

/** All values that a label can have; or, of one whose values are not known beforehand, what they are, in words. */
export type LabelValues = readonly string[] | string;

export type Labels = Readonly<Record<string, LabelValues>>;

export interface MetricDefinition<Type extends MetricType = MetricType, Label extends string = string> {
  readonly type: Type;
  /** Without the prefix of its service. */
  readonly name: string;
  /** What is counted, for people: the `# HELP` line, and its place in docs/METRICS.md. */
  readonly help: string;
  readonly labels: Readonly<Record<Label, LabelValues>>;
  /** Upper bounds, of a histogram. */
  readonly buckets?: readonly number[];
}

export type MetricDefinitions = Readonly<Record<string, MetricDefinition<MetricType, never>>>;

/** The metrics of a service as data: what a process exposes and what docs/METRICS.md tells come from here. */
export interface ServiceMetrics<Definitions extends MetricDefinitions = MetricDefinitions> {
  readonly service: string;
  readonly metrics: Definitions;
}

/** Every name gets the prefix `shoal_<service>_`: `counter('announces_total', ...)` of the tracker is `shoal_tracker_announces_total`. */
export const defineMetrics = <const Definitions extends MetricDefinitions>(
  service: string,
  metrics: Definitions,
): ServiceMetrics<Definitions> => ({ service, metrics });

export const counter = <const L extends Labels = Record<never, never>>(
  name: string,
  help: string,
  labels?: L,
): MetricDefinition<'counter', keyof L & string> => ({ type: 'counter', name, help, labels: labels ?? ({} as L) });

export const gauge = <const L extends Labels = Record<never, never>>(
  name: string,
  help: string,
  labels?: L,
): MetricDefinition<'gauge', keyof L & string> => ({ type: 'gauge', name, help, labels: labels ?? ({} as L) });

export const histogram = <const L extends Labels = Record<never, never>>(
  name: string,
  help: string,
  buckets: readonly number[],
  labels?: L,
): MetricDefinition<'histogram', keyof L & string> => ({
  type: 'histogram',
  name,
  help,
  buckets,
  labels: labels ?? ({} as L),
});

/** Buckets for durations in seconds, from a local hit to a very large pull. */
export const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] as const;

/** The classes of content by size that durations are told apart by. */
export const sizeClasses = ['1MiB', '16MiB', '256MiB', 'larger'] as const;

export type SizeClass = (typeof sizeClasses)[number];

const MiB = 1024 * 1024;

/** The smallest class that `bytes` fit into: each is named by its largest size. */
export const sizeClassOf = (bytes: number): SizeClass =>
  bytes <= MiB ? '1MiB' : bytes <= 16 * MiB ? '16MiB' : bytes <= 256 * MiB ? '256MiB' : 'larger';
