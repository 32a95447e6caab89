import { mkdir, writeFile } from 'node:fs/promises';
import type { NodeLayout } from './layout.ts';

/** Keys and values of a service's configuration, in the nesting of docs/CONFIGURATION.md. */
export interface Settings {
  readonly [key: string]: string | number | boolean | undefined | Settings | readonly (string | number | Settings)[];
}

/** What the processes of one cluster are told about each other. */
export interface ClusterSettings {
  readonly origin: NodeLayout;
  readonly trackers: readonly NodeLayout[];
  /** `redis://...`: the trackers keep their peers there instead of in memory. */
  readonly redis?: string | undefined;
  readonly secret?: string | undefined;
  /** Laid over the generated configuration, by service. */
  readonly overrides?: Readonly<Partial<Record<NodeLayout['service'], Settings>>> | undefined;
}

const host = '127.0.0.1';

export const httpUrl = (node: NodeLayout): string => `http://${host}:${node.ports.http}`;

const common = (node: NodeLayout, { secret }: ClusterSettings): Settings => ({
  cluster: { id: 'local', ...(secret === undefined ? {} : { secret }) },
  admin: { host, port: node.ports.admin },
  debug: { host, port: node.ports.debug },
});

const originSettings = (node: NodeLayout, cluster: ClusterSettings): Settings => ({
  ...common(node, cluster),
  registry: { host, port: node.ports.http },
  pieces: { host, port: node.ports.pieces },
  folder: node.dataFolder,
});

const trackerSettings = (node: NodeLayout, cluster: ClusterSettings): Settings => ({
  ...common(node, cluster),
  api: { host, port: node.ports.http },
  // A tracker has no pieces: the live view takes that place in its block.
  ui: { host, port: node.ports.pieces },
  replicas: cluster.trackers.length,
  ...(cluster.redis === undefined ? {} : { redis: { url: cluster.redis } }),
});

const agentSettings = (node: NodeLayout, cluster: ClusterSettings): Settings => ({
  ...common(node, cluster),
  registry: { host, port: node.ports.http },
  pieces: { host, port: node.ports.pieces },
  cache: { folder: node.dataFolder },
  origins: [httpUrl(cluster.origin)],
  trackers: cluster.trackers.map(httpUrl),
});

const generators = { origin: originSettings, tracker: trackerSettings, agent: agentSettings };

/** The configuration of one process, with the overrides of its service laid over it. */
export const settingsOf = (node: NodeLayout, cluster: ClusterSettings): Settings =>
  merge(generators[node.service](node, cluster), cluster.overrides?.[node.service] ?? {});

/** Creates the process's folder and writes its configuration: JSON, which is YAML as well. */
export const writeConfigFile = async (
  node: NodeLayout,
  cluster: ClusterSettings,
  overrides: Settings = {},
): Promise<void> => {
  await mkdir(node.folder, { recursive: true });
  await writeFile(node.configFile, `${JSON.stringify(merge(settingsOf(node, cluster), overrides), null, 2)}\n`);
};

const isSettings = (value: unknown): value is Settings =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const merge = (below: Settings, above: Settings): Settings => {
  const merged: Record<string, Settings[string]> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = merged[key];
    merged[key] = isSettings(under) && isSettings(value) ? merge(under, value) : value;
  }
  return merged;
};
