import type { MetricDefinition, MetricType, ServiceMetrics } from './define-metrics.ts';
import { createMetrics } from './metrics.ts';

export interface DescribedMetric {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  /** Names, and what values they can have, in words. */
  readonly labels: Readonly<Record<string, string>>;
  /** `bytes`, `seconds`, or nothing for numbers of things. */
  readonly unit: string;
}

/** What a process of the service exposes, in the order in which it does. */
export const describeMetrics = (service: ServiceMetrics): DescribedMetric[] => {
  const metrics = createMetrics(service);
  const prefix = `shoal_${service.service}_`;
  const own = new Map(
    Object.values<MetricDefinition>(service.metrics).map((definition) => [prefix + definition.name, definition]),
  );
  // The types of prom-client do not tell what a metric object holds.
  const exposed = metrics.registry.getMetricsAsArray() as unknown as readonly Exposed[];
  metrics.close();
  return exposed.map(({ name, type, help, labelNames = [] }) => {
    const values = own.get(name)?.labels;
    return {
      name,
      type,
      help,
      labels: Object.fromEntries(labelNames.map((label) => [label, inWords(values?.[label])])),
      unit: /_(bytes|seconds)(?:_total)?$/.exec(name)?.[1] ?? '',
    };
  });
};

interface Exposed {
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly labelNames?: readonly string[];
}

const inWords = (values: string | readonly string[] | undefined): string =>
  typeof values === 'object' ? values.map((value) => `\`${value}\``).join(', ') : (values ?? '');
