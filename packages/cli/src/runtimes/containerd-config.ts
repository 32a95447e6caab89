import path from 'node:path';
import { RefusedError } from '../errors.ts';
import type { HostView, PlannedFile } from '../install/plan.ts';
import { type Table, differsOnlyIn, isTable, parseConfig, valueAt } from '../install/setting.ts';
import { edits, table, withVersion } from './containerd-edits.ts';

export const configPath = '/etc/containerd/config.toml';
const defaultCertsFolder = '/etc/containerd/certs.d';
const dockerCertsFolder = '/etc/docker/certs.d';

/** The plugin that pulls images for Kubernetes, by the version of the configuration file: 1.x, then 2.x. */
const imagePlugin: Readonly<Record<number, string>> = {
  2: 'io.containerd.grpc.v1.cri',
  3: 'io.containerd.cri.v1.images',
  4: 'io.containerd.cri.v1.images',
};

export interface ContainerdConfig {
  readonly file: PlannedFile;
  /** The folder of hosts.toml files. */
  readonly root: string;
}

/** containerd's configuration with a `config_path`. @throws RefusedError where one could not work or would break it */
export const planConfig = async (view: HostView): Promise<ContainerdConfig> => {
  const existing = await view.text(configPath);
  if (existing === undefined) await checkDropIns(view);
  const text = existing ?? '';
  const tree = parseConfig('toml', configPath, text);
  const empty = Object.keys(tree).length === 0;
  const plugin = imagePlugin[empty ? 2 : Number(tree['version'] ?? 1)];
  if (plugin === undefined) throw unknownVersion(tree['version']);
  checkEnabled(tree);
  const imported = await importedConfigPath(view, tree, plugin);
  const { value, file } = imported ?? { value: configPathOf(configPath, tree, plugin), file: configPath };
  const root = await singleRoot(view, value, file);
  const setting = { format: 'toml', key: ['plugins', plugin, 'registry', 'config_path'] } as const;
  if (value !== undefined && withoutSlash(value) === root)
    return { file: { path: configPath, content: text, setting }, root };
  if (imported) throw setByHand(imported.file, plugin, root);
  const base = empty ? withVersion(text) : text;
  const before = empty ? 'version = 2' : text;
  const content = edits(base, plugin, root).find((candidate) => differsOnlyIn(setting, before, candidate, root));
  if (content === undefined) throw setByHand(configPath, plugin, root);
  return { file: { path: configPath, content, setting }, root };
};

/** A config.toml that is there replaces containerd's defaults, its default imports among them. */
const checkDropIns = async (view: HostView): Promise<void> => {
  const [dropIn] = (await view.files('/etc/containerd/conf.d')).filter((file) => file.endsWith('.toml'));
  if (dropIn === undefined) return;
  throw new RefusedError(`there is ${dropIn} but no ${configPath}, and making one could switch the former off`, [
    `Write what \`containerd config default\` prints to ${configPath}, then run the same command again.`,
  ]);
};

const setByHand = (file: string, plugin: string, root: string): RefusedError =>
  new RefusedError(`in ${file} config_path can't be set without touching the rest`, [
    'Set it there by hand, then run the same command again:',
    ...table(plugin, root).map((line) => `  ${line}`),
  ]);

const unknownVersion = (version: unknown): RefusedError =>
  new RefusedError(
    `${configPath} has ${version === undefined ? 'no version, which means version 1' : `version ${JSON.stringify(version)}`}; known are 2, 3 and 4`,
    ['`containerd config migrate` prints it in a version that the installed containerd wants.'],
  );

/** Docker's own containerd package comes with the CRI plugin switched off, and then nothing reads config_path. */
const checkEnabled = ({ disabled_plugins: disabled }: Table): void => {
  const names = ['cri', ...new Set(Object.values(imagePlugin))];
  const found = Array.isArray(disabled) ? names.find((name) => disabled.includes(name)) : undefined;
  if (found === undefined) return;
  throw new RefusedError(
    `${configPath} disables the plugin ${JSON.stringify(found)}, which is what pulls by config_path`,
    ['Kubernetes needs that plugin: take it out of disabled_plugins. If Docker pulls here: `shoal install docker`.'],
  );
};

/** The `config_path` of one file, or undefined for none. @throws RefusedError beside the mirrors of containerd 1.4 */
const configPathOf = (file: string, tree: Table, plugin: string): string | undefined => {
  const registry = valueAt(tree, ['plugins', plugin, 'registry']);
  if (registry === undefined) return undefined;
  if (!isTable(registry)) throw new RefusedError(`${file}: the registry section of ${plugin} is no table`);
  const { mirrors, configs, config_path: set } = registry;
  if (isTable(mirrors) && Object.keys(mirrors).length > 0)
    throw inlineMirrors(file, 'registry.mirrors', Object.keys(mirrors));
  const withTls = Object.entries(isTable(configs) ? configs : {}).filter(
    ([, config]) => isTable(config) && 'tls' in config,
  );
  if (withTls.length > 0)
    throw inlineMirrors(
      file,
      'registry.configs.*.tls',
      withTls.map(([host]) => host),
    );
  if (set !== undefined && typeof set !== 'string') throw new RefusedError(`${file}: config_path is no text`);
  return set || undefined;
};

const inlineMirrors = (file: string, key: string, hosts: readonly string[]): RefusedError =>
  new RefusedError(
    `${file} sets ${key} for ${hosts.join(', ')}; with config_path beside it containerd's CRI plugin does not start`,
    [
      `Move these settings to ${defaultCertsFolder}/<host>/hosts.toml, take them out of ${file}, and run the same command again.`,
    ],
  );

/** Imported files win over this one: containerd 1.x takes a plugin's whole section from them, 2.x each key. */
const importedConfigPath = async (
  view: HostView,
  { imports }: Table,
  plugin: string,
): Promise<{ readonly value: string; readonly file: string } | undefined> => {
  let found: { readonly value: string; readonly file: string } | undefined;
  for (const pattern of Array.isArray(imports) ? imports.filter((one) => typeof one === 'string') : []) {
    const glob = path.posix.resolve(path.posix.dirname(configPath), pattern);
    const files = (await view.files(path.posix.dirname(glob))).filter((file) => path.posix.matchesGlob(file, glob));
    for (const file of files.filter((name) => name !== configPath)) {
      const imported = parseConfig('toml', file, (await view.text(file)) ?? '');
      if (valueAt(imported, ['plugins', plugin]) === undefined) continue;
      const value = configPathOf(file, imported, plugin);
      if (value === undefined) throw setByHand(file, plugin, defaultCertsFolder);
      found = { value, file };
    }
  }
  return found;
};

/**
 * The one folder that config_path shall name. From containerd 2.1 on a list of folders is looked up as if it were one
 * (containerd issue 12808), so that no hosts.toml is found; 2.2 made such a list the default.
 */
const singleRoot = async (view: HostView, value: string | undefined, file: string): Promise<string> => {
  const roots =
    value === undefined ? [defaultCertsFolder, dockerCertsFolder] : value.split(':').filter(Boolean).map(withoutSlash);
  if (roots.length === 0 || !roots.every((root) => path.posix.isAbsolute(root))) {
    throw new RefusedError(`${file}: config_path ${JSON.stringify(value)} is not an absolute path`);
  }
  const filled = (
    await Promise.all(roots.map(async (root) => ((await view.files(root)).length > 0 ? [root] : [])))
  ).flat();
  const [first = defaultCertsFolder] = roots;
  const others = filled.filter((root) => root !== first);
  if (others.length === 0 || (value !== undefined && filled.length === 1)) return filled[0] ?? first;
  throw new RefusedError(
    `config_path has to name one folder, and ${[...new Set([first, ...others])].join(' and ')} both count now`,
    [
      `Move what containerd needs to ${first}, set config_path = "${first}" in ${file}, and run the same command again.`,
      'containerd 2.1 and newer find nothing through a list of folders; 2.2 and newer have this list by default.',
    ],
  );
};

const withoutSlash = (folder: string): string => folder.replace(/(?<=.)\/+$/, '');
