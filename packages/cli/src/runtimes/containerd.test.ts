import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Files, TestHost } from '../testing/host.ts';

const config = '/etc/containerd/config.toml';
const v2 = 'io.containerd.grpc.v1.cri';
const v3 = 'io.containerd.cri.v1.images';

test('all registries: _default without a server; one: its own folder with the registry as the server', async () => {
  await using host = await TestHost.create();
  await host.shoal('install', 'containerd');
  const all = await host.text('/etc/containerd/certs.d/_default/hosts.toml');
  assert.equal(
    all?.replaceAll(/^#.*\n/gm, ''),
    '\n[host."http://127.0.0.1:7020"]\n  capabilities = ["pull", "resolve"]\n  dial_timeout = "500ms"\n',
  );
  await host.shoal(
    'install',
    'containerd',
    '--registry',
    'docker.io',
    '--registry',
    'reg.test:8443',
    '--registry',
    'localhost:5000',
  );
  assert.equal(await host.text('/etc/containerd/certs.d/_default/hosts.toml'), undefined);
  assert.match(
    (await host.text('/etc/containerd/certs.d/docker.io/hosts.toml')) ?? '',
    /^server = "https:\/\/registry-1\.docker\.io"$/m,
  );
  assert.match(
    (await host.text('/etc/containerd/certs.d/reg.test:8443/hosts.toml')) ?? '',
    /^server = "https:\/\/reg\.test:8443"$/m,
  );
  assert.doesNotMatch((await host.text('/etc/containerd/certs.d/localhost:5000/hosts.toml')) ?? '', /^server/m);
});

const edits: readonly (readonly [string, string])[] = [
  ['', `version = 2\n\n[plugins."${v2}".registry]\n  config_path = "/etc/containerd/certs.d"\n`],
  ['version = 3\n', `version = 3\n\n[plugins."${v3}".registry]\n  config_path = "/etc/containerd/certs.d"\n`],
  [
    `version = 4\r\n[plugins.'${v3}'.registry]`,
    `version = 4\r\n[plugins.'${v3}'.registry]\r\n  config_path = "/etc/containerd/certs.d"\r\n`,
  ],
  [
    `version = 2\n[plugins."${v2}"]\nregistry.config_path = '' # now\n`,
    `version = 2\n[plugins."${v2}"]\nregistry.config_path = "/etc/containerd/certs.d" # now\n`,
  ],
  [
    `version = 3\n[plugins.'${v3}'.registry]\nconfig_path = '/a:/b'\n`,
    `version = 3\n[plugins.'${v3}'.registry]\nconfig_path = "/a"\n`,
  ],
];

for (const [before, after] of edits) {
  test(`a minimal edit of ${JSON.stringify(before)}`, async () => {
    await using host = await TestHost.create({ [config]: before });
    const { code, out } = await host.shoal('install', 'containerd');
    assert.equal(code, 0);
    assert.equal(await host.text(config), after);
    assert.match(out, /systemctl restart containerd/);
  });
}

test('a config_path that is there is used, and containerd need not be restarted', async () => {
  const text = `version = 2\n[plugins."${v2}".registry]\nconfig_path = "/opt/hosts/"\n`;
  await using host = await TestHost.create({ [config]: text });
  const { code, out } = await host.shoal('install', 'containerd');
  assert.equal(code, 0);
  assert.equal(await host.text(config), text);
  assert.ok(await host.text('/opt/hosts/_default/hosts.toml'));
  assert.doesNotMatch(out, /restart/);
});

test('config_path is taken from an imported file, which wins', async () => {
  await using host = await TestHost.create({
    [config]: 'version = 2\nimports = ["conf.d/*.toml"]\n',
    '/etc/containerd/conf.d/cri.toml': `version = 2\n[plugins."${v2}".registry]\nconfig_path = "/opt/hosts"\n`,
  });
  assert.equal((await host.shoal('install', 'containerd')).code, 0);
  assert.ok(await host.text('/opt/hosts/_default/hosts.toml'));
});

test('hosts with a folder of their own are named, as they stay as they are', async () => {
  await using host = await TestHost.create({ '/etc/containerd/certs.d/reg.test/ca.crt': 'PEM' });
  const { code, out } = await host.shoal('install', 'containerd');
  assert.equal(code, 0);
  assert.match(out, /reg\.test has a folder of its own and is not pulled through the agent/);
});

interface Refusal {
  readonly files: Files;
  readonly flags?: readonly string[];
  readonly message: RegExp;
}

const refusals: Readonly<Record<string, Refusal>> = {
  'not TOML': { files: { [config]: 'version = = 2' }, message: /config\.toml can't be read as TOML/ },
  'a control character': { files: { [config]: '# \u0000' }, message: /can't be read as TOML/ },
  'version 1': {
    files: { [config]: '[plugins.cri.registry]\n' },
    message: /no version, which means version 1; known are 2, 3 and 4/,
  },
  'an unknown version': { files: { [config]: 'version = 9\n' }, message: /has version 9/ },
  'the CRI plugin switched off': {
    files: { [config]: 'version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n' },
    message: /disables the plugin "io.containerd.grpc.v1.cri"/,
  },
  'inline mirrors': {
    files: { [config]: `version = 2\n[plugins."${v2}".registry.mirrors."docker.io"]\nendpoint = ["https://m.test"]\n` },
    message: /sets registry\.mirrors for docker\.io; with config_path beside it containerd's CRI plugin does not start/,
  },
  'inline mirrors beside config_path': {
    files: {
      [config]: `version = 3\n[plugins."${v3}".registry]\nconfig_path = "/a"\n[plugins."${v3}".registry.mirrors.x]\n`,
    },
    message: /sets registry\.mirrors for x/,
  },
  'inline TLS settings': {
    files: { [config]: `version = 2\n[plugins."${v2}".registry.configs."reg.test".tls]\nca_file = "/ca"\n` },
    message: /sets registry\.configs\.\*\.tls for reg\.test/,
  },
  'an inline table that can only be rewritten': {
    files: { [config]: `version = 2\nplugins = { "${v2}" = { registry = { headers = { } } } }\n` },
    message: /config_path can't be set without touching the rest/,
  },
  'an imported section without config_path': {
    files: {
      [config]: 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n',
      '/etc/containerd/conf.d/a.toml': `version = 2\n[plugins."${v2}"]\nsandbox_image = "x"\n`,
    },
    message: /in \/etc\/containerd\/conf\.d\/a\.toml config_path can't be set/,
  },
  'drop-ins without a config.toml': {
    files: { '/etc/containerd/conf.d/a.toml': 'version = 3' },
    message: /no \/etc\/containerd\/config\.toml/,
  },
  'a relative config_path': {
    files: { [config]: `version = 2\n[plugins."${v2}".registry]\nconfig_path = "certs.d"\n` },
    message: /config_path "certs\.d" is not an absolute path/,
  },
  'two folders in use': {
    files: {
      [config]: `version = 2\n[plugins."${v2}".registry]\nconfig_path = "/a:/b"\n`,
      '/a/x/hosts.toml': '',
      '/b/y/hosts.toml': '',
    },
    message: /config_path has to name one folder, and \/a and \/b both count now/,
  },
  "certificates in Docker's folder, which 2.2 reads by default": {
    files: { '/etc/docker/certs.d/reg.test/ca.crt': 'PEM' },
    message: /\/etc\/containerd\/certs\.d and \/etc\/docker\/certs\.d both count now/,
  },
  'a _default of somebody else': {
    files: { '/etc/containerd/certs.d/_default/hosts.toml': '[host."https://m.test"]\n' },
    message: /_default holds configuration that shoal did not write[^]*\[host\."http:\/\/127\.0\.0\.1:7020"\]/,
  },
  'a hosts.toml of somebody else': {
    files: { '/etc/containerd/certs.d/ghcr.io/hosts.toml': '' },
    flags: ['--registry', 'docker.io', '--registry', 'ghcr.io'],
    message: /ghcr\.io holds configuration/,
  },
  'certificates that a hosts.toml would hide': {
    files: { '/etc/containerd/certs.d/reg.test_8443_/ca.crt': 'PEM' },
    flags: ['--registry', 'reg.test:8443'],
    message: /reg\.test_8443_ holds configuration/,
  },
};

for (const [what, { files, flags = [], message }] of Object.entries(refusals)) {
  test(`refused, and nothing changed: ${what}`, async () => {
    await using host = await TestHost.create(files);
    const before = await host.snapshot();
    const { code, err } = await host.shoal('install', 'containerd', ...flags);
    assert.equal(code, 3, err);
    assert.match(err, message);
    assert.deepEqual(await host.snapshot(), before);
  });
}
