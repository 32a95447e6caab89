/** README.md of the chart: its values, read from values.yaml. */
import { isMap, isScalar, type Pair, parseDocument, type YAMLMap } from 'yaml';

const introduction = `# Shoal's Helm chart

Generated from values.yaml by \`npm run docs\`; a test keeps it current. How to run Shoal on Kubernetes is in
[docs/OPERATING.md](../../../docs/OPERATING.md#kubernetes).

\`\`\`sh
helm install shoal deploy/helm/shoal --namespace shoal --create-namespace --set image.repository=registry.example.com/shoal
\`\`\`

What stands under \`origin.config\`, \`tracker.config\` and \`agent.config\` is the configuration of these services
([docs/CONFIGURATION.md](../../../docs/CONFIGURATION.md)); a key that they don't know, or that the chart sets itself, is
refused before anything is installed.

| Value | Default | What it is for |
| --- | --- | --- |
`;

/** What a comment says after \`-- \`. */
const described = (comment: string | null | undefined): string => {
  const lines = (comment ?? '').split('\n').map((line) => line.trim());
  const start = lines.findLastIndex((line) => line.startsWith('-- '));
  return start === -1 ? '' : lines.slice(start).join(' ').slice(3);
};

const isGroup = (value: unknown): value is YAMLMap => isMap(value) && value.items.length > 0;

/** A row a value; a map whose keys have nothing to say for themselves is one value. */
const rowsOf = (map: YAMLMap, path: readonly string[]): string[] =>
  map.items.flatMap((pair: Pair, index) => {
    const { key, value } = pair;
    const name = [...path, String(isScalar(key) ? key.value : key)];
    const comment = index === 0 ? (map.commentBefore ?? '') : '';
    const text = described((isScalar(key) && key.commentBefore) || comment);
    if (isGroup(value) && !value.flow && text === '' && path.length < 2) return rowsOf(value, name);
    const shown = JSON.stringify((value as { toJSON(): unknown }).toJSON());
    return [`| \`${name.join('.')}\` | \`${shown.replaceAll('|', '\\|')}\` | ${text.replaceAll('|', '\\|')} |`];
  });

export const valuesTable = (values: string): string => {
  const { contents } = parseDocument(values);
  if (!isMap(contents)) throw new Error('values.yaml: allowed is a map');
  return `${introduction}${rowsOf(contents, []).join('\n')}\n`;
};
