import fc from 'fast-check';
import type { Files } from './host.ts';

const cri = 'io.containerd.grpc.v1.cri';
const images = 'io.containerd.cri.v1.images';

/** Pieces of a containerd configuration, some of which look like what the editor searches for and are not. */
const sections = (plugin: string): readonly string[] => [
  '# a comment with config_path = ""',
  'root = "/var/lib/containerd" # where things are',
  `disabled_plugins = ["io.containerd.snapshotter.v1.zfs"]`,
  `[plugins."${plugin}"]\n  max_concurrent_downloads = 3`,
  `[plugins."${plugin}".containerd.runtimes.runc.options]\n  SystemdCgroup = true`,
  `[plugins."${plugin}".registry.configs."reg.example.com".auth]\n  username = "u"`,
  `[plugins."io.containerd.internal.v1.opt"]\n  path = "/opt" # config_path`,
  `[proxy_plugins.text]\n  note = """\n[plugins."${plugin}".registry]\n  config_path = ""\n"""`,
  `[other]\n  config_path = ''`,
];

const registrySections = (plugin: string): readonly string[] => [
  '',
  `[plugins."${plugin}".registry]`,
  `  [plugins.'${plugin}'.registry]\n    config_path = ""`,
  `[ plugins . "${plugin}" . registry ] # here\nconfig_path=''  # not yet`,
  `[plugins."${plugin}".registry]\n  config_path = "/etc/containerd/certs.d"`,
  `[plugins."${plugin}".registry]\n  config_path = '/etc/containerd/certs.d:/etc/docker/certs.d' # the default of 2.2`,
  `[plugins."${plugin}".registry]\n  [plugins."${plugin}".registry.mirrors]\n  [plugins."${plugin}".registry.headers]\n    X = ["y"]`,
];

const containerdConfig: fc.Arbitrary<string> = fc.constantFrom(2, 3, 4).chain((version) => {
  const plugin = version === 2 ? cri : images;
  return fc
    .record({
      head: fc.boolean(),
      parts: fc.subarray([...sections(plugin)]),
      registry: fc.constantFrom(...registrySections(plugin)),
      eol: fc.constantFrom('\n', '\r\n'),
      end: fc.boolean(),
    })
    .map(({ head, parts, registry, eol, end }) => {
      const top = parts.filter((part) => !part.startsWith('['));
      const tables = parts.filter((part) => part.startsWith('['));
      const text = [...(head ? ['# head'] : []), `version = ${version}`, ...top, ...tables, registry].join('\n\n');
      return (end ? `${text}\n` : text).replaceAll('\n', eol);
    });
});

const daemonJson: fc.Arbitrary<string> = fc
  .record({
    settings: fc.dictionary(fc.constantFrom('log-driver', 'data-root', 'insecure-registries', 'é'), fc.jsonValue()),
    mirrors: fc.constantFrom<object>({}, { 'registry-mirrors': [] }),
    indent: fc.constantFrom<string | number>(0, 2, 4, '\t'),
    eol: fc.constantFrom('', '\n'),
  })
  .map(({ settings, mirrors, indent, eol }) => JSON.stringify({ ...settings, ...mirrors }, undefined, indent) + eol);

const registriesConf = fc.constantFrom(
  'unqualified-search-registries = ["docker.io"]\n',
  '# nothing here\n',
  '[[registry]]\nlocation = "registry.example.com"\ninsecure = true\n',
  'short-name-mode = "enforcing"\n[aliases]\n"debian" = "docker.io/library/debian"\n',
);

const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

/** Hosts whose configuration shoal understands. */
export const hostFiles: fc.Arbitrary<Files> = fc
  .record({
    '/etc/containerd/config.toml': maybe(fc.oneof(containerdConfig, fc.constantFrom('', '# only a comment', '\r\n'))),
    '/etc/containerd/certs.d/reg.example.com/hosts.toml': maybe(fc.constant('server = "https://reg.example.com"\n')),
    '/etc/containerd/certs.d/reg.example.com/ca.crt': maybe(fc.constant('PEM')),
    '/etc/docker/daemon.json': maybe(fc.oneof(daemonJson, fc.constantFrom('', '\n'))),
    '/etc/containers/registries.conf': maybe(registriesConf),
    '/etc/containers/registries.conf.d/000-shortnames.conf': maybe(registriesConf),
    '/etc/containers/registries.conf.d': maybe(fc.constant(null)),
    '/etc/containerd/certs.d': maybe(fc.constant(null)),
    '/var/lib/shoal/agent/cache.bin': maybe(fc.constant('cached')),
    '/var/lib': maybe(fc.constant(null)),
  })
  .map((files) =>
    Object.fromEntries(
      Object.entries(files).flatMap(([file, content]) => (content === undefined ? [] : [[file, content]])),
    ),
  );

export const fileMode = fc.constantFrom(0o600, 0o640, 0o644, 0o755);

/** Command lines after `shoal install`. */
export const installLine: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.constantFrom(['containerd'], ['docker']),
  fc
    .record({
      runtime: fc.constantFrom('containerd', 'podman', 'crio'),
      registries: fc.subarray(['docker.io', 'ghcr.io', 'localhost:5000', 'registry.test:8443'], { minLength: 1 }),
      agent: fc.constantFrom('http://127.0.0.1:7020', 'https://agent.test:7443', 'http://[::1]:7020'),
    })
    .map(({ runtime, registries, agent }) => [
      runtime,
      '--agent',
      agent,
      ...registries.flatMap((host) => ['--registry', host]),
    ]),
);
