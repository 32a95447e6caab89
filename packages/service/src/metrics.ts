import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LabelValues, MetricDefinition, MetricDefinitions, ServiceMetrics } from './define-metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';

type Made<Definition> =
  Definition extends MetricDefinition<infer Type, infer Label>
    ? { counter: Counter<Label>; gauge: Gauge<Label>; histogram: Histogram<Label> }[Type]
    : never;

/** Reads the present value of a gauge at a scrape. */
type Reading = () => number | Promise<number>;

type GaugeKeys<Definitions> = {
  [Key in keyof Definitions]: Definitions[Key] extends MetricDefinition<'gauge', never> ? Key : never;
}[keyof Definitions];

/** What a scrape reads, whatever service it is of. */
export interface Exposition {
  readonly registry: Registry;
  /** Tells the gauge `shoal_<service>_ready` whether the process is ready. */
  readReady(ready: () => Promise<boolean>): void;
}

/** The metrics of one service instance in a registry of its own: several instances live in one test process. */
export interface Metrics<Definitions extends MetricDefinitions = MetricDefinitions> extends Exposition {
  /** By the keys of the definitions. A series whose label values are all known starts at zero. */
  readonly made: { readonly [Key in keyof Definitions]: Made<Definitions[Key]> };
  /** Gauges that are read at each scrape. One whose reading fails keeps its last value. */
  read(readings: { readonly [Key in GaugeKeys<Definitions>]?: Reading }): void;
  /** Gives back what the process metrics hold. */
  close(): void;
}

export const createMetrics = <Definitions extends MetricDefinitions>(
  { service, metrics: definitions }: ServiceMetrics<Definitions>,
  options: { readonly version?: string } = {},
): Metrics<Definitions> => {
  const registry = new Registry();
  const closeProcessMetrics = addProcessMetrics(registry, { service, version: options.version ?? 'unknown' });
  const ready = new Gauge({
    name: `shoal_${service}_ready`,
    help: 'Whether the process can do its work, as /readyz says: 1 or 0.',
    registers: [registry],
  });
  const made = Object.fromEntries(
    Object.entries<MetricDefinition>(definitions).map(([key, definition]) => [
      key,
      make(service, definition, registry),
    ]),
  );
  return {
    registry,
    made: made as Metrics<Definitions>['made'],
    read: (readings) => {
      for (const [key, reading] of Object.entries(readings) as [string, Reading][]) readAt(made[key] as Gauge, reading);
    },
    readReady: (isReady) => readAt(ready, async () => ((await isReady()) ? 1 : 0)),
    close: () => {
      closeProcessMetrics();
      registry.clear();
    },
  };
};

const make = (service: string, definition: MetricDefinition, registry: Registry): Counter | Gauge | Histogram => {
  const { type, name, help, labels, buckets = [] } = definition;
  const common = { name: `shoal_${service}_${name}`, help, labelNames: Object.keys(labels), registers: [registry] };
  const series = seriesOf(Object.entries(labels));
  switch (type) {
    case 'counter': {
      const counter = new Counter(common);
      for (const one of series) counter.inc(one, 0);
      return counter;
    }
    case 'gauge':
      return new Gauge(common);
    case 'histogram': {
      const histogram = new Histogram({ ...common, buckets: [...buckets] });
      for (const one of series) histogram.zero(one);
      return histogram;
    }
  }
};

/** Every combination of label values, so that a rate is right from the first event on; none when some are not known. */
const seriesOf = (labels: readonly (readonly [string, LabelValues])[]): Record<string, string>[] =>
  labels.reduce<Record<string, string>[]>(
    (series, [label, values]) =>
      typeof values === 'string' ? [] : series.flatMap((one) => values.map((value) => ({ ...one, [label]: value }))),
    [{}],
  );

/** prom-client calls `collect` at each scrape when there is one. */
const readAt = (gauge: Gauge, reading: Reading): void => {
  (gauge as Gauge & { collect: () => Promise<void> }).collect = async () => {
    try {
      gauge.set(await reading());
    } catch {
      // One value that cannot be read must not cost the whole scrape.
    }
  };
};
