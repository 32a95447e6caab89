import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Background, run } from '../../support/run.ts';

/** Unmounts what a runtime left mounted below a folder. */
const unmountBelow = async (folder: string): Promise<void> => {
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n').map((line) => line.split(' ')[1] ?? '');
  for (const mount of mounts
    .filter((point) => point.startsWith(`${folder}/`))
    .toSorted()
    .toReversed())
    await run('umount', [mount])
      .catch(() => run('umount', ['--lazy', mount]))
      .catch(() => undefined);
};

/** A daemon that ends, with its mounts, when it is disposed of. */
const daemon = async (
  folder: string,
  ready: RegExp,
  ...command: readonly [string, readonly string[], Record<string, string>?]
): Promise<AsyncDisposable> => {
  const [program, args, env = {}] = command;
  const process = new Background(program, args, { env });
  const stop = async (): Promise<void> => {
    const late = setTimeout(() => process.child.kill('SIGKILL'), stopTimeoutMs);
    await process[Symbol.asyncDispose]();
    clearTimeout(late);
    await unmountBelow(folder);
  };
  await process.printed(ready).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return { [Symbol.asyncDispose]: stop };
};

const stopTimeoutMs = 10_000;

export interface Containerd extends AsyncDisposable {
  readonly socket: string;
}

const unwanted = ['aufs', 'btrfs', 'devmapper', 'zfs'].map((name) => `io.containerd.snapshotter.v1.${name}`);

/** A containerd of its own; with CRI it reads hosts.toml files below `<root>/etc/containerd/certs.d`. */
export const startContainerd = async (program: string, folder: string, cri?: { root: string }): Promise<Containerd> => {
  const socket = path.join(folder, 'c.sock');
  const disabled = cri ? unwanted : [...unwanted, 'io.containerd.grpc.v1.cri'];
  const file = path.join(folder, 'containerd.toml');
  const registry = '[plugins."io.containerd.grpc.v1.cri".registry]';
  const configuration = [
    'version = 2',
    `root = "${folder}/root"`,
    `state = "${folder}/state"`,
    `disabled_plugins = ${JSON.stringify(disabled)}`,
    ...['[grpc]', `address = "${socket}"`, '[ttrpc]', `address = "${folder}/t.sock"`],
    ...(cri ? [registry, `config_path = "${cri.root}/etc/containerd/certs.d"`] : []),
  ];
  await writeFile(file, configuration.join('\n'));
  const running = await daemon(folder, /containerd successfully booted/, program, ['--config', file]);
  return { socket, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
};

/** A docker daemon beside a containerd; it reads `<folder>/etc/docker/daemon.json`. */
export const startDocker = async (
  [dockerd, ...flags]: readonly [string, ...string[]],
  folder: string,
  containerd: Containerd,
  env: Record<string, string>,
): Promise<AsyncDisposable & { readonly host: string }> => {
  const host = `unix://${folder}/d.sock`;
  const folders = ['data-root', 'exec-root', 'pidfile'].map((name) => `--${name}=${folder}/docker-${name}`);
  const network = ['--bridge=none', '--iptables=false', '--ip6tables=false'];
  const settings = path.join(folder, 'etc/docker/daemon.json');
  const args = [...flags, '--config-file', settings, '--host', host, '--containerd', containerd.socket];
  const running = await daemon(folder, /API listen on/, dockerd, [...args, ...folders, ...network], env);
  return { host, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
};
