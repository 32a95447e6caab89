import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { testConfig, temporaryFolder } from '../testing/test-origin.ts';

const load = (upstreams: object) => testConfig('/nowhere', { upstreams }).upstreams;
const registry = (entry: object) => load({ registries: [entry] });

test('no upstream is configured by default', () => {
  assert.deepEqual([load({}).registries, load({}).hosts], [[], []]);
});

test('a host is enough', () => {
  const [entry] = registry({ host: 'docker.io' }).registries;
  assert.deepEqual([entry?.insecure, entry?.mirrors, entry?.repositories], [false, [], ['*']]);
});

test('a password may come from a file', async () => {
  await using folder = await temporaryFolder();
  const passwordFile = join(folder.path, 'password');
  await writeFile(passwordFile, 'secret\n');
  assert.equal(registry({ host: 'quay.io', username: 'robot', passwordFile }).registries[0]?.password, 'secret');
});

const wrong: [name: string, entry: object, message: RegExp][] = [
  ['no host', {}, /registries\[0\]\.host/],
  ['a URL as host', { host: 'https://quay.io' }, /registries\[0\]\.host.*allowed is a host name/s],
  ['plain HTTP', { host: 'quay.io', url: 'http://quay.io' }, /registries\[0\]\.url.*allowed is https:/s],
  [
    'a mirror by plain HTTP',
    { host: 'quay.io', mirrors: ['http://m'] },
    /registries\[0\]\.mirrors.*allowed is https:/s,
  ],
  ['a login in the URL', { host: 'quay.io', url: 'https://a:b@quay.io' }, /registries\[0\]\.url/],
  ['a user without password', { host: 'quay.io', username: 'a' }, /registries\[0\]\.password.*needed are both/s],
  [
    'two sources of credentials',
    { host: 'quay.io', username: 'a', password: 'b', dockerConfigFile: 'x' },
    /dockerConfigFile.*either/s,
  ],
  ['an unknown key', { host: 'quay.io', user: 'a' }, /registries\[0\]\.user/],
];

for (const [name, entry, message] of wrong)
  test(`refused: ${name}`, () => {
    assert.throws(() => registry(entry), { code: 'CONFIG_INVALID', message });
  });

test('refused: a registry twice, under any of its names, and a host pattern that is none', () => {
  assert.throws(
    () => load({ registries: [{ host: 'docker.io' }, { host: 'index.docker.io' }] }),
    /docker\.io stands above already/,
  );
  assert.throws(() => load({ hosts: ['a*b'] }), /upstreams\.hosts\[0\]/);
});
