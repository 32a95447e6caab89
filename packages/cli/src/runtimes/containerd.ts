import path from 'node:path';
import { RefusedError } from '../errors.ts';
import type { HostView, Plan, PlannedFile } from '../install/plan.ts';
import { configPath, planConfig } from './containerd-config.ts';
import { hostsToml } from './hosts-toml.ts';
import { type Runtime, agentRegistry } from './runtime.ts';

const defaultHost = '_default';

export const containerd: Runtime = {
  name: 'containerd',
  owner: 'containerd',
  defaultAgent: agentRegistry,
  defaultRegistries: undefined,

  async plan(view, { registries, agent }): Promise<Plan> {
    const { file, root } = await planConfig(view);
    const folders = await hostFolders(view, root);
    const planned = (registries ?? [undefined]).map((registry) =>
      hostFile(view, root, folders, hostsOf(agent, registry)),
    );
    return { files: [file, ...(await Promise.all(planned))], notes: notes(folders, registries) };
  },

  todo: (changed) => [
    ...(changed.includes(configPath)
      ? [
          'Restart containerd, which reads config.toml only when it starts: systemctl restart containerd (containers run on).',
        ]
      : []),
  ],
};

/** The names in certs.d that have files under them. */
const hostFolders = async (view: HostView, root: string): Promise<readonly string[]> => {
  const inside = (await view.files(root)).map((file) => path.posix.relative(root, file).split('/'));
  return [...new Set(inside.filter((parts) => parts.length > 1).map(([host = '']) => host))];
};

interface Hosts {
  /** The folder's name, and another one under which containerd would look first. */
  readonly names: readonly string[];
  readonly content: string;
}

const hostsOf = (agent: URL, registry: string | undefined): Hosts => ({
  names: registry === undefined ? [defaultHost] : [registry, registry.replace(/:(\d+)$/, '_$1_')],
  content: hostsToml(agent, registry),
});

/** With a hosts.toml in its folder containerd no longer reads the certificates there, so only an empty one is taken. */
const hostFile = async (
  view: HostView,
  root: string,
  folders: readonly string[],
  { names, content }: Hosts,
): Promise<PlannedFile> => {
  const file = `${root}/${names[0]}/hosts.toml`;
  const taken = names.find((name) => folders.includes(name));
  if (taken !== undefined && (await view.text(file)) !== content) throw notOurs(`${root}/${taken}`, content);
  return { path: file, content };
};

const notOurs = (folder: string, content: string): RefusedError =>
  new RefusedError(`${folder} holds configuration that shoal did not write`, [
    `To go through the agent there as well, put this into ${folder}/hosts.toml by hand, before other hosts:`,
    ...content
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('server'))
      .map((line) => `  ${line}`),
  ]);

const notes = (folders: readonly string[], registries: readonly string[] | undefined): readonly string[] => [
  ...folders
    .filter((host) => !registries && host !== defaultHost)
    .map((host) => `${host} has a folder of its own and is not pulled through the agent.`),
  ...(registries && folders.includes(defaultHost)
    ? [`What the folder ${defaultHost} says no longer counts for ${registries.join(', ')}.`]
    : []),
  'hosts.toml files are read at every pull. `ctr` reads them only with --hosts-dir.',
  'An agent that is not running costs nothing; one that hangs costs a request half a second from containerd 2.0.7 on, which knows dial_timeout.',
];
