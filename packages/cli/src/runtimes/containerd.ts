import path from 'node:path';
import { RefusedError } from '../errors.ts';
import type { HostView, Plan, PlannedFile, Wanted } from '../install/plan.ts';
import { configPath, planConfig } from './containerd-config.ts';
import { hostsToml } from './hosts-toml.ts';
import type { Runtime } from './runtime.ts';

const defaultHost = '_default';

export const containerd: Runtime = {
  name: 'containerd',
  owner: 'containerd',
  defaultRegistries: undefined,

  async plan(view, wanted): Promise<Plan> {
    const { file, roots } = await planConfig(view);
    const hosts = await hostFolders(view, roots);
    const { registries, agent } = wanted;
    const files = registries
      ? await Promise.all(registries.map((registry) => hostFile(view, roots, hosts, agent, registry)))
      : [await defaultFile(view, roots, hosts, agent)];
    return { files: [file, ...files], notes: notes(hosts, wanted) };
  },

  todo: (changed) => [
    ...(changed.includes(configPath)
      ? [
          'Restart containerd, which reads config.toml only when it starts: systemctl restart containerd (containers run on).',
        ]
      : []),
  ],
};

/** A folder of certs.d that has files: the name of a host and where. */
interface HostFolder {
  readonly root: string;
  readonly host: string;
}

const hostFolders = async (view: HostView, roots: readonly string[]): Promise<readonly HostFolder[]> => {
  const found = new Map<string, HostFolder>();
  for (const root of roots) {
    for (const file of await view.files(root)) {
      const [host, ...inside] = path.posix.relative(root, file).split('/');
      if (host && inside.length > 0) found.set(`${root}/${host}`, { root, host });
    }
  }
  return [...found.values()];
};

/** `_default` goes to the last root, where it hides no folder of a host in another one. */
const defaultFile = (
  view: HostView,
  roots: readonly string[],
  hosts: readonly HostFolder[],
  agent: URL,
): Promise<PlannedFile> => {
  const root = roots.at(-1) ?? '';
  const hidden = hosts.find((folder) => folder.host === defaultHost && folder.root !== root);
  if (hidden) throw notOurs(`${hidden.root}/${defaultHost}`, hostsToml(agent, undefined));
  return ownFile(view, `${root}/${defaultHost}`, hosts, hostsToml(agent, undefined));
};

/** containerd looks for `host_port_` first, then for `host:port`. */
const hostFile = (
  view: HostView,
  [root = '']: readonly string[],
  hosts: readonly HostFolder[],
  agent: URL,
  registry: string,
): Promise<PlannedFile> => {
  const folder = `${root}/${registry}`;
  const names = [registry, registry.replace(/:(\d+)$/, '_$1_')];
  const other = hosts.find(({ root: where, host }) => names.includes(host) && `${where}/${host}` !== folder);
  if (other) throw notOurs(`${other.root}/${other.host}`, hostsToml(agent, registry));
  return ownFile(view, folder, hosts, hostsToml(agent, registry));
};

/** With a hosts.toml in its folder containerd no longer reads the certificates there, so only an empty one is taken. */
const ownFile = async (
  view: HostView,
  folder: string,
  hosts: readonly HostFolder[],
  content: string,
): Promise<PlannedFile> => {
  const file = `${folder}/hosts.toml`;
  const taken = hosts.some(({ root, host }) => `${root}/${host}` === folder);
  if (taken && (await view.text(file)) !== content) throw notOurs(folder, content);
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

const notes = (hosts: readonly HostFolder[], { registries }: Wanted): readonly string[] => {
  const own = [...new Set(hosts.map(({ host }) => host))].filter((host) => host !== defaultHost);
  const others = registries
    ? hosts
        .filter(({ host }) => host === defaultHost)
        .map(({ root }) => `${root}/${defaultHost} no longer counts for ${registries.join(', ')}.`)
    : own.map((host) => `${host} has a folder of its own and is not pulled through the agent.`);
  return [
    ...others,
    'hosts.toml files are read at every pull. `ctr` reads them only with --hosts-dir.',
    'An agent that does not answer costs a pull half a second from containerd 2.0.7 on; older ones know no dial_timeout.',
  ];
};
