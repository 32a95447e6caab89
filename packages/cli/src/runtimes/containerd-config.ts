import path from 'node:path';
import { RefusedError } from '../errors.ts';
import type { HostView, PlannedFile } from '../install/plan.ts';
import { type Table, differsOnlyIn, isTable, parseConfig, valueAt } from '../install/setting.ts';
import { lineEnding } from '../install/text.ts';

export const configPath = '/etc/containerd/config.toml';
export const defaultCertsFolder = '/etc/containerd/certs.d';

/** The plugin that pulls images for Kubernetes, by the version of the configuration file: 1.x, then 2.x. */
const imagePlugin: Readonly<Record<number, string>> = {
  2: 'io.containerd.grpc.v1.cri',
  3: 'io.containerd.cri.v1.images',
  4: 'io.containerd.cri.v1.images',
};

export interface ContainerdConfig {
  readonly file: PlannedFile;
  /** The folders of hosts.toml files, first looked at first. */
  readonly roots: readonly string[];
}

/** containerd's configuration with a `config_path`. @throws RefusedError where one could not work or would break it */
export const planConfig = async (view: HostView): Promise<ContainerdConfig> => {
  const before = await view.text(configPath);
  const text = before ?? '';
  const tree = parseConfig('toml', configPath, text);
  const empty = Object.keys(tree).length === 0;
  const plugin = empty ? imagePlugin[2] : imagePlugin[checkVersion(tree['version'])];
  if (plugin === undefined) throw unknownVersion(tree['version']);
  checkEnabled(tree);
  const setting = { format: 'toml', key: ['plugins', plugin, 'registry', 'config_path'] } as const;
  const imported = await importedConfigPath(view, tree, plugin);
  const set = imported ?? configPathOf(configPath, tree, plugin);
  const unchanged = { path: configPath, content: text, setting };
  // An empty file that is not there needs none to be made when an import says it all.
  if (set !== undefined) return { file: unchanged, roots: checkRoots(set) };
  const start = empty ? [withVersion(text)] : [text];
  const edited = start
    .flatMap((base) => edits(base, plugin))
    .find((candidate) => differsOnlyIn(setting, empty ? 'version = 2' : text, candidate, defaultCertsFolder));
  if (edited === undefined) {
    throw new RefusedError(`${configPath} has a form in which config_path can't be set without touching the rest`, [
      `Add it by hand, then run the same command again:`,
      ...table(plugin).map((line) => `  ${line}`),
    ]);
  }
  return { file: { path: configPath, content: edited, setting }, roots: [defaultCertsFolder] };
};

const checkVersion = (version: unknown): number => Number(version ?? 1);

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
const importedConfigPath = async (view: HostView, tree: Table, plugin: string): Promise<string | undefined> => {
  const { imports } = tree;
  let set: string | undefined;
  for (const pattern of Array.isArray(imports) ? imports.filter((one) => typeof one === 'string') : []) {
    const glob = path.posix.resolve(path.posix.dirname(configPath), pattern);
    const files = (await view.files(path.posix.dirname(glob))).filter((file) => path.posix.matchesGlob(file, glob));
    for (const file of files.filter((name) => name !== configPath)) {
      const imported = parseConfig('toml', file, (await view.text(file)) ?? '');
      if (valueAt(imported, ['plugins', plugin]) === undefined) continue;
      set = configPathOf(file, imported, plugin);
      if (set !== undefined) continue;
      throw new RefusedError(
        `${file}, which ${configPath} imports, has a section of ${plugin} that may replace the one there`,
        ['Add this to it, then run the same command again:', ...table(plugin).map((line) => `  ${line}`)],
      );
    }
  }
  return set;
};

const checkRoots = (set: string): readonly string[] => {
  const roots = set.split(':').filter(Boolean);
  const relative = roots.find((root) => !path.posix.isAbsolute(root));
  if (relative === undefined && roots.length > 0) return roots;
  throw new RefusedError(`${configPath}: config_path ${JSON.stringify(set)} is not a list of absolute paths`);
};

const table = (plugin: string): readonly string[] => [
  `[plugins."${plugin}".registry]`,
  `  config_path = "${defaultCertsFolder}"`,
];

/** A file of comments alone keeps them. */
const withVersion = (text: string): string => {
  const eol = lineEnding(text);
  return `${text}${text === '' || text.endsWith('\n') ? '' : eol}version = 2${eol}`;
};

/** The smallest edits first. Each is only a guess, which the parser confirms or not. */
const edits = (text: string, plugin: string): string[] => {
  const eol = lineEnding(text);
  const [header = '', line = ''] = table(plugin);
  const emptyValue = /^([ \t]*(?:[\w."'-]+\.)?config_path[ \t]*=[ \t]*)(?:""|'')/gm;
  const id = plugin.replaceAll('.', String.raw`\.`);
  const section = new RegExp(
    String.raw`^([ \t]*)\[[ \t]*plugins[ \t]*\.[ \t]*["']${id}["'][ \t]*\.[ \t]*registry[ \t]*\][^\n]*\n?`,
    'gm',
  );
  const splice = (at: number, removed: number, inserted: string): string =>
    text.slice(0, at) + inserted + text.slice(at + removed);
  return [
    ...[...text.matchAll(emptyValue)].map((match) =>
      splice(match.index, match[0].length, `${match[1]}"${defaultCertsFolder}"`),
    ),
    ...[...text.matchAll(section)].map((match) => {
      const newline = match[0].endsWith('\n') ? '' : eol;
      return splice(match.index + match[0].length, 0, `${newline}${match[1]}${line}${eol}`);
    }),
    `${text}${text === '' || text.endsWith('\n') ? '' : eol}${text === '' ? '' : eol}${[header, line].join(eol)}${eol}`,
  ];
};
