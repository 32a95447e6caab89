import assert from 'node:assert/strict';
import { chown, lstat, mkdir, symlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { TestHost } from '../testing/host.ts';

const daemonJson = '/etc/docker/daemon.json';
const config = '/etc/containerd/config.toml';
const hosts = '/etc/containerd/certs.d/_default/hosts.toml';

test('what was added to daemon.json after the install stays when the mirror goes', async () => {
  await using host = await TestHost.create({ [daemonJson]: '{\n  "debug": true\n}\n' });
  await host.shoal('install', 'docker');
  const text = (await host.text(daemonJson)) ?? '';
  await host.put(daemonJson, text.replace('"debug": true', '"debug": false,\n  "bip": "10.0.0.1/24"'));
  const { code, out } = await host.shoal('uninstall', 'docker');
  assert.equal(code, 0);
  assert.match(out, /reverted +\/etc\/docker\/daemon\.json/);
  assert.equal(await host.text(daemonJson), '{\n  "debug": false,\n  "bip": "10.0.0.1/24"\n}\n');
  assert.equal((await host.shoal('uninstall', 'docker', '--json')).out.includes('nothing to do'), true);
});

test('what was added to config.toml after the install stays; an install again finds its setting there', async () => {
  const before = 'version = 2\n# mine\n';
  await using host = await TestHost.create({ [config]: before });
  await host.shoal('install', 'containerd');
  const added = '\n[grpc]\n  uid = 7\n';
  await host.put(config, `${await host.text(config)}${added}`);
  const changed = await host.snapshot();
  assert.match((await host.shoal('install', 'containerd')).out, /already set up/);
  assert.deepEqual(await host.snapshot(), changed);
  assert.equal((await host.shoal('uninstall', 'containerd')).code, 0);
  assert.equal(await host.text(config), before + added);
});

test('a file that was written anew without the mirror gets it again, and comes back as that new one', async () => {
  await using host = await TestHost.create({ [daemonJson]: '{"a":1}' });
  await host.shoal('install', 'docker');
  await host.put(daemonJson, '{"b":2}');
  assert.equal((await host.shoal('install', 'docker')).code, 0);
  assert.match((await host.text(daemonJson)) ?? '', /7024/);
  assert.equal((await host.shoal('uninstall', 'docker')).code, 0);
  assert.equal(await host.text(daemonJson), '{"b":2}');
});

test('a hosts.toml that was changed since is refused until it is gone, then the rest is put back', async () => {
  await using host = await TestHost.create({ [config]: 'version = 3\n' });
  const before = await host.snapshot();
  await host.shoal('install', 'containerd');
  await host.put(hosts, '[host."https://other.test"]\n');
  const installed = await host.snapshot();
  const refused = await host.shoal('uninstall', 'containerd');
  assert.equal(refused.code, 3);
  assert.match(refused.err, /hosts\.toml was changed after the install/);
  assert.equal((await host.shoal('install', 'containerd')).code, 3);
  assert.deepEqual(await host.snapshot(), installed);
  await host.remove(hosts);
  assert.equal((await host.shoal('uninstall', 'containerd')).code, 0);
  assert.deepEqual(await host.snapshot(), before);
});

test('a config.toml whose line was rewritten is refused until the mirror is taken out by hand', async () => {
  await using host = await TestHost.create({ [config]: 'version = 3\n' });
  await host.shoal('install', 'containerd');
  const text = (await host.text(config)) ?? '';
  await host.put(config, text.replace('  config_path = "', 'config_path="'));
  const refused = await host.shoal('uninstall', 'containerd');
  assert.equal(refused.code, 3);
  assert.match(refused.err, /backup\/etc\/containerd\/config\.toml/);
  await host.put(config, 'version = 3\nroot = "/x"\n');
  assert.equal((await host.shoal('uninstall', 'containerd')).code, 0);
  assert.equal(await host.text(config), 'version = 3\nroot = "/x"\n');
});

test('a damaged backup is not put back', async () => {
  await using host = await TestHost.create({ [daemonJson]: '{}' });
  await host.shoal('install', 'docker');
  await host.put('/var/lib/shoal/install/backup/etc/docker/daemon.json', '{"oops":1}');
  const { code, err } = await host.shoal('uninstall', 'docker');
  assert.equal(code, 3);
  assert.match(err, /the backup of \/etc\/docker\/daemon\.json, is gone or damaged/);
});

test('the backup is nobody else to read, and neither is the record', async () => {
  await using host = await TestHost.create({ [daemonJson]: '{}' });
  await host.shoal('install', 'docker');
  const state = path.join(host.root, 'var/lib/shoal/install');
  assert.equal((await lstat(state)).mode & 0o777, 0o700);
  for (const file of ['record.json', 'backup/etc/docker/daemon.json'])
    assert.equal((await lstat(path.join(state, file))).mode & 0o777, 0o600);
});

test('a symbolic link is not followed, nor replaced', async () => {
  await using host = await TestHost.create({ '/elsewhere/daemon.json': '{}' });
  await mkdir(path.join(host.root, 'etc'));
  await symlink('/elsewhere', path.join(host.root, 'etc/docker'));
  const { code, err } = await host.shoal('install', 'docker');
  assert.equal(code, 3);
  assert.match(err, /\/etc\/docker is a symbolic link/);
});

const asRoot = process.getuid?.() === 0 ? false : 'only root can give a file to somebody else';

test('owner and mode of a file stay over install and uninstall', { skip: asRoot }, async () => {
  await using host = await TestHost.create({ [daemonJson]: '{}' }, 0o640);
  const file = path.join(host.root, daemonJson);
  await chown(file, 1234, 4321);
  const before = await host.snapshot();
  await host.shoal('install', 'docker');
  const { mode, uid, gid } = await lstat(file);
  assert.deepEqual([mode & 0o777, uid, gid], [0o640, 1234, 4321]);
  await host.shoal('uninstall', 'docker');
  assert.deepEqual(await host.snapshot(), before);
});

test('a record of another version is refused', async () => {
  await using host = await TestHost.create({ '/var/lib/shoal/install/record.json': '{"version":2}' });
  const { code, err } = await host.shoal('uninstall', 'docker');
  assert.equal(code, 3);
  assert.match(err, /no record of this version/);
});

test('installs at the same moment do not lose each other', async () => {
  await using host = await TestHost.create({ [daemonJson]: '{}', [config]: 'version = 2\n' });
  const before = await host.regularFiles();
  const both = [['docker'], ['containerd'], ['podman', '--registry', 'ghcr.io']];
  for (const { code } of await Promise.all(both.map((line) => host.shoal('install', ...line)))) assert.ok(code < 2);
  for (const line of both) assert.equal((await host.shoal('install', ...line)).code, 0);
  for (const [runtime = ''] of both) assert.equal((await host.shoal('uninstall', runtime)).code, 0);
  assert.deepEqual(await host.regularFiles(), before);
});

test('a fresh lock is respected, one that was left long ago is not', async () => {
  await using host = await TestHost.create({ [daemonJson]: '{}', '/var/lib/shoal/install/lock': '' });
  const { code, err } = await host.shoal('install', 'docker');
  assert.equal(code, 1);
  assert.match(err, /another shoal changes this host right now/);
  assert.equal(await host.text(daemonJson), '{}');
  await utimes(path.join(host.root, 'var/lib/shoal/install/lock'), 0, 0);
  assert.equal((await host.shoal('install', 'docker')).code, 0);
});
