import { metricsOf } from '../tooling/metrics-doc.ts';

const keywords = new Set(['and', 'or', 'unless', 'bool', 'offset', 'inf', 'nan']);

/** The metrics that an expression reads. Source: Prometheus, "Querying basics". */
export const metricsIn = (expression: string): string[] => {
  const bare = expression
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '')
    .replaceAll(/\{[^}]*\}/g, ' ')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*(\([^)]*\))?/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ');
  const names = [...bare.matchAll(/(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\(|[\w:])/g)].map(([name]) => name);
  return [...new Set(names.filter((name) => !keywords.has(name.toLowerCase())))];
};

const documented = Object.values(metricsOf).flat();

/** Every series that some process of the cluster gives, and `up`, which Prometheus adds. */
export const emitted: ReadonlySet<string> = new Set([
  'up',
  ...documented.flatMap(({ name, type }) =>
    type === 'histogram' ? ['_bucket', '_sum', '_count'].map((suffix) => name + suffix) : [name],
  ),
]);
