import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'smol-toml';
import { TestHost } from '../testing/host.ts';

const dropIn = '/etc/containers/registries.conf.d/50-shoal.conf';

test('each registry gets the agent as its mirror, with the registry in the path', async () => {
  await using host = await TestHost.create();
  await host.shoal('install', 'podman', '--registry', 'ghcr.io', '--registry', 'reg.test:5000');
  const registry = (name: string): object => ({
    prefix: name,
    location: name,
    mirror: [{ location: `127.0.0.1:7020/${name.replace(':', '_')}`, insecure: true }],
  });
  assert.deepEqual(JSON.parse(JSON.stringify(parse((await host.text(dropIn)) ?? ''))), {
    registry: [registry('ghcr.io'), registry('reg.test:5000')],
  });
});

test('an agent with TLS is no insecure mirror', async () => {
  await using host = await TestHost.create();
  await host.shoal('install', 'crio', '--registry', 'ghcr.io', '--agent', 'https://agent.test:7443');
  assert.doesNotMatch((await host.text(dropIn)) ?? '', /insecure/);
});

test('podman and CRI-O share the file: what one installs the other finds and takes away', async () => {
  await using host = await TestHost.create();
  const before = await host.snapshot();
  await host.shoal('install', 'podman', '--registry', 'ghcr.io');
  const crio = await host.shoal('install', 'crio', '--registry', 'ghcr.io');
  assert.match(crio.out, /already set up/);
  assert.doesNotMatch(crio.out, /reload/);
  const gone = await host.shoal('uninstall', 'crio');
  assert.match(gone.out, /systemctl reload crio/);
  assert.deepEqual(await host.snapshot(), before);
});

test('a more specific entry stays, and is named', async () => {
  await using host = await TestHost.create({
    '/etc/containers/registries.conf': '[[registry]]\nprefix = "ghcr.io/acme"\nlocation = "m.test"\n',
  });
  const { code, out } = await host.shoal('install', 'podman', '--registry', 'ghcr.io');
  assert.equal(code, 0);
  assert.match(out, /ghcr\.io\/acme has an entry of its own/);
});

const main = '/etc/containers/registries.conf';
const refusals: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
  ['version 1', { [main]: '[registries.search]\nregistries = ["docker.io"]\n' }, /version 1 of its format/],
  [
    'version 1 in a drop-in',
    { '/etc/containers/registries.conf.d/a.conf': '[registries.insecure]\n' },
    /a\.conf is in version 1/,
  ],
  ['not TOML', { [main]: '[[registry]\n' }, /registries\.conf can't be read as TOML/],
  [
    'an entry of the same prefix',
    { [main]: '[[registry]]\nprefix = "ghcr.io"\nlocation = "m.test"\n' },
    /has a \[\[registry\]\] for ghcr\.io already/,
  ],
  [
    'an entry of the same location',
    { '/etc/containers/registries.conf.d/z.conf': '[[registry]]\nlocation = "ghcr.io"\nblocked = true\n' },
    /z\.conf has a \[\[registry\]\] for ghcr\.io/,
  ],
  ['a wildcard over it', { [main]: '[[registry]]\nprefix = "*.io"\nblocked = true\n' }, /for \*\.io already/],
  ['the file of somebody else', { [dropIn]: '# mine\n' }, /50-shoal\.conf is there and shoal did not write it/],
];

for (const [what, files, message] of refusals) {
  test(`refused, and nothing changed: ${what}`, async () => {
    await using host = await TestHost.create(files);
    const before = await host.snapshot();
    const { code, err } = await host.shoal('install', 'podman', '--registry', 'ghcr.io');
    assert.equal(code, 3, err);
    assert.match(err, message);
    assert.deepEqual(await host.snapshot(), before);
  });
}
