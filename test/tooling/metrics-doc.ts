/** Part of `npm run docs`: writes docs/METRICS.md from the definitions of the services. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { defineMetrics, type DescribedMetric, describeMetrics, type ServiceMetrics } from '@shoal/service';
import { agentMetrics } from '../../services/agent/src/metrics.ts';
import { originMetrics } from '../../services/origin/src/metrics.ts';
import { trackerMetrics } from '../../services/tracker/src/metrics.ts';

export const metricsFile = path.join(import.meta.dirname, '../../docs/METRICS.md');

/** By the name of the service; what its processes expose. */
export const metricsOf: Readonly<Record<string, readonly DescribedMetric[]>> = Object.fromEntries(
  [agentMetrics, originMetrics, trackerMetrics].map((service: ServiceMetrics) => [
    service.service,
    describeMetrics(service),
  ]),
);

const introduction = `# Metrics

Generated from the definitions by \`npm run docs\`; a test compares it with what processes expose.

Every process serves them at \`/metrics\` on its metrics port, in Prometheus' text format. A histogram has the series
\`_bucket\`, \`_sum\` and \`_count\`. No label names a digest, a repository or a peer, so that the number of series does not
grow with what is pulled. Dashboards and alert rules that use them are in \`deploy/monitoring\`; what to do about an alert
is in [OPERATING.md](OPERATING.md#alerts).

The sizes of blobs are told apart in four classes, each named by its largest size: \`1MiB\`, \`16MiB\`, \`256MiB\`,
\`larger\`.
`;

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`);

const labelsCell = (labels: DescribedMetric['labels']): string =>
  Object.entries(labels)
    .map(([label, values]) => (values === '' ? `\`${label}\`` : `\`${label}\`: ${values}`))
    .join('; ');

const row = (service: string, { name, type, labels, unit, help }: DescribedMetric): string =>
  `| ${[`\`${name}\``, type, labelsCell(labels), unit, service, help].map(cell).join(' | ')} |`;

/** The whole document. */
export const metricsDocument = (): string => {
  const common = describeMetrics(defineMetrics('any', {})).filter(({ name }) => name !== 'shoal_any_ready');
  const names = new Set(common.map(({ name }) => name));
  const rows = [
    ...common.map((metric) => row('all', metric)),
    ...Object.entries(metricsOf).flatMap(([service, metrics]) =>
      metrics.filter(({ name }) => !names.has(name)).map((metric) => row(service, metric)),
    ),
  ];
  return [
    introduction,
    '| name | type | labels | unit | service | meaning |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
};

if (import.meta.main) writeFileSync(metricsFile, metricsDocument());
