/** What `shoal install` writes, read by the real runtimes; a small registry stands in for the agent. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { KiB } from '@shoal/core';
import {
  imageConfig,
  imageManifest,
  layerBytes,
  layerDescriptor,
  planLayers,
} from '../../deploy/local/src/demo/image.ts';
import { freePortBase } from '../../deploy/local/src/index.ts';
import { requireContainerd, requireTool, type Skip } from '../support/external.ts';
import { Background, run } from '../support/run.ts';
import { FakeUpstream } from '../support/upstream/fake-upstream.ts';

const main = path.join(import.meta.dirname, '../../packages/cli/src/main.ts');

/** An empty host in a temporary folder. */
class Host implements AsyncDisposable {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async create(): Promise<Host> {
    return new Host(await mkdtemp(path.join(tmpdir(), 'shoal-host-')));
  }

  at(file: string): string {
    return path.join(this.root, file);
  }

  shoal(...args: string[]): Promise<string> {
    return run(process.execPath, [main, ...args, '--root', this.root]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.root, { recursive: true, force: true });
  }
}

interface Mirror extends AsyncDisposable {
  readonly registry: FakeUpstream;
  /** The `ns` of every request. */
  readonly namespaces: Set<string | null>;
}

/** A registry with one image that a runtime can unpack. */
const startMirror = async (repository: string): Promise<Mirror> => {
  const registry = await FakeUpstream.start();
  const namespaces = new Set<string | null>();
  registry.misbehave = (_request, reply, url) => {
    namespaces.add(url.searchParams.get('ns'));
    const ping = url.pathname === '/v2/';
    if (ping) reply.writeHead(200).end('{}');
    return ping;
  };
  const layers = [];
  for (const plan of planLayers(100 * KiB, 2)) {
    const bytes = Buffer.concat(await Array.fromAsync(layerBytes(plan, repository)));
    layers.push(layerDescriptor(registry.addBlob(bytes), bytes.length));
  }
  const config = imageConfig(layers);
  registry.addBlob(config);
  registry.addManifest(repository, '1', imageManifest(config, layers).toString());
  return { registry, namespaces, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
};

const nobody = async (): Promise<string> => `http://127.0.0.1:${await freePortBase(1)}`;

const v2 = 'io.containerd.grpc.v1.cri';

test('containerd reads the configuration that was edited', { skip: requireTool('containerd') }, async () => {
  const configurations = [
    undefined,
    '# nothing but a comment\n',
    await run('containerd', ['config', 'default']),
    `version = 2\n[plugins."${v2}".registry.configs."reg.test".auth]\n  username = "somebody"\n`,
    `version = 2\r\n[plugins]\r\n  [plugins."${v2}"]\r\n    max_concurrent_downloads = 7\r\n`,
  ];
  for (const text of configurations) {
    await using host = await Host.create();
    await mkdir(host.at('/etc/containerd'), { recursive: true });
    const file = host.at('/etc/containerd/config.toml');
    if (text !== undefined) await writeFile(file, text);
    await host.shoal('install', 'containerd');
    const dump = await run('containerd', ['--config', file, 'config', 'dump']);
    assert.match(dump, /^ *config_path = ["']\/etc\/containerd\/certs\.d["']$/m);
    if (text?.includes('somebody')) assert.match(dump, /username = ["']somebody["']/);
    if (text?.includes('= 7')) assert.match(dump, /max_concurrent_downloads = 7/);
    await host.shoal('uninstall', 'containerd');
    assert.deepEqual(await readdir(host.at('/etc/containerd')), text === undefined ? [] : ['config.toml']);
  }
});

const namespace = `shoal-install-${process.pid}`;

/** Pulls, and removes what was pulled: containerd fetches no blob that it has. */
const pull = async (host: Host, image: string): Promise<void> => {
  const ctr = (...args: string[]): Promise<string> => run('ctr', ['--namespace', namespace, ...args]);
  try {
    await ctr('images', 'pull', '--hosts-dir', host.at('/etc/containerd/certs.d'), image);
  } finally {
    await ctr('images', 'rm', '--sync', image).catch(() => undefined);
    await run('ctr', ['namespaces', 'rm', namespace]).catch(() => undefined);
  }
};

test('containerd asks the agent first, for one registry and for all', { skip: requireContainerd() }, async () => {
  for (const flags of [['--registry', 'reg.test'], []]) {
    await using mirror = await startMirror('team/app');
    await using host = await Host.create();
    await host.shoal('install', 'containerd', '--agent', mirror.registry.url, ...flags);
    await pull(host, 'reg.test/team/app:1');
    assert.deepEqual([...mirror.namespaces], ['reg.test']);
    assert.equal(mirror.registry.asked('GET', '/blobs/'), 3);
  }
});

test('without an agent containerd pulls from the registry as before', { skip: requireContainerd() }, async () => {
  for (const all of [true, false]) {
    await using upstream = await startMirror('team/app');
    await using host = await Host.create();
    const flags = all ? [] : ['--registry', upstream.registry.host];
    await host.shoal('install', 'containerd', '--agent', await nobody(), ...flags);
    await pull(host, `${upstream.registry.host}/team/app:1`);
    assert.equal(upstream.registry.asked('GET', '/blobs/'), 3);
  }
});

/** podman, skopeo and CRI-O share one library; it reads drop-ins of a user like those of the system. */
const asUserDropIn = async (host: Host): Promise<Record<string, string>> => {
  const folder = host.at('/home/.config/containers/registries.conf.d');
  await mkdir(folder, { recursive: true });
  await run('cp', [host.at('/etc/containers/registries.conf.d/50-shoal.conf'), folder]);
  return { HOME: host.at('/home') };
};

test(
  'skopeo, with the library of podman and CRI-O, asks the agent for the registry in the path',
  { skip: requireTool('skopeo') },
  async () => {
    await using mirror = await startMirror('reg.test/team/app');
    await using host = await Host.create();
    await host.shoal('install', 'podman', '--registry', 'reg.test', '--agent', mirror.registry.url);
    const env = await asUserDropIn(host);
    await run('skopeo', ['--insecure-policy', 'copy', 'docker://reg.test/team/app:1', `dir:${host.at('/image')}`], {
      env,
    });
    assert.equal(mirror.registry.asked('GET', 'reg.test/team/app/blobs/'), 3);
    assert.deepEqual([...mirror.namespaces], [null]);
  },
);

test('without an agent skopeo pulls from the registry as before', { skip: requireTool('skopeo') }, async () => {
  await using upstream = await startMirror('team/app');
  const { host: registry } = upstream.registry;
  await using host = await Host.create();
  await host.shoal('install', 'podman', '--registry', registry, '--agent', await nobody());
  const env = await asUserDropIn(host);
  const source = `docker://${registry}/team/app:1`;
  await run('skopeo', ['--insecure-policy', 'copy', '--src-tls-verify=false', source, `dir:${host.at('/image')}`], {
    env,
  });
  assert.equal(upstream.registry.asked('GET', '/blobs/'), 3);
});

/** A docker daemon of its own that reads the host's daemon.json, beside the containerd that runs. */
const startDocker = (host: Host, socket: string): Background => {
  const folders = ['data-root', 'exec-root', 'pidfile'].map((name) => `--${name}=${host.at(`/docker-${name}`)}`);
  const network = ['--bridge=none', '--iptables=false', '--ip6tables=false'];
  const containerd = process.env['CONTAINERD_ADDRESS'] ?? '/run/containerd/containerd.sock';
  const configFile = host.at('/etc/docker/daemon.json');
  return new Background('dockerd', [
    ...['--config-file', configFile, '--host', socket, '--containerd', containerd],
    ...folders,
    ...network,
  ]);
};

const noDocker = (): Skip =>
  process.getuid?.() === 0
    ? requireTool('docker', 'dockerd') || requireContainerd()
    : 'only root can start a docker daemon';

test('docker asks the agent for images of Docker Hub after a reload', { skip: noDocker() }, async () => {
  await using mirror = await startMirror('library/shoal-install-test');
  await using host = await Host.create();
  await mkdir(host.at('/etc/docker'), { recursive: true });
  await writeFile(host.at('/etc/docker/daemon.json'), '{\n  "max-concurrent-downloads": 2\n}\n');
  const socket = `unix://${host.at('/docker.sock')}`;
  await using daemon = startDocker(host, socket);
  await daemon.printed(/API listen on/);
  const docker = (...args: string[]): Promise<string> => run('docker', ['--host', socket, ...args]);
  await host.shoal('install', 'docker', '--agent', mirror.registry.url);
  daemon.child.kill('SIGHUP');
  await daemon.printed(/Reloaded configuration: .*registry-mirrors/);
  assert.match(await docker('info', '--format', '{{json .RegistryConfig.Mirrors}}'), new RegExp(mirror.registry.url));
  await docker('pull', '--quiet', 'shoal-install-test:1');
  assert.equal(mirror.registry.asked('GET', '/blobs/'), 3);
});
