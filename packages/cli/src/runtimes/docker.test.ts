import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestHost } from '../testing/host.ts';

const file = '/etc/docker/daemon.json';

const edits: readonly (readonly [string, string])[] = [
  [
    '{\n\t"b": 1.50,\n\t"a": [1,2]\n}\n',
    '{\n\t"b": 1.50,\n\t"a": [1,2],\n\t"registry-mirrors": ["http://127.0.0.1:7024"]\n}\n',
  ],
  ['{"registry-mirrors": [], "x": "\\u00e9"}', '{"registry-mirrors": ["http://127.0.0.1:7024"], "x": "\\u00e9"}'],
  ['{"x":{"y":[]}}', '{"x":{"y":[]},"registry-mirrors": ["http://127.0.0.1:7024"]}'],
  ['', '{\n  "registry-mirrors": ["http://127.0.0.1:7024"]\n}\n'],
  ['{\r\n}\r\n', '{\r\n  "registry-mirrors": ["http://127.0.0.1:7024"]\r\n\r\n}\r\n'],
  [
    '{"registry-mirrors": ["http://127.0.0.1:7024/", "https://other"]}',
    '{"registry-mirrors": ["http://127.0.0.1:7024/", "https://other"]}',
  ],
];

for (const [before, after] of edits) {
  test(`the rest of ${JSON.stringify(before)} keeps its form`, async () => {
    await using host = await TestHost.create({ [file]: before });
    const { code, err } = await host.shoal('install', 'docker');
    assert.equal(code, 0, err);
    assert.equal(await host.text(file), after);
  });
}

test('the operator is told to reload, and that Docker Hub is all that is mirrored', async () => {
  await using host = await TestHost.create();
  const { out } = await host.shoal('install', 'docker');
  assert.match(out, /systemctl reload docker/);
  assert.match(out, /Docker mirrors Docker Hub alone/);
});

const refusals: readonly (readonly [string, Readonly<Record<string, string>>, RegExp])[] = [
  ['comments, which dockerd does not read', { [file]: '{} // x' }, /daemon\.json can't be read as JSON/],
  ['no object', { [file]: '[]' }, /it holds no object/],
  ['a byte order mark', { [file]: '\uFEFF{}' }, /can't be read as JSON/],
  [
    'a mirror of somebody else',
    { [file]: '{"registry-mirrors": ["https://m.test"]}' },
    /has registry-mirrors of its own: \["https:\/\/m\.test"\]/,
  ],
  ['mirrors that are no list', { [file]: '{"registry-mirrors": "https://m.test"}' }, /of its own/],
  [
    'the setting twice',
    { [file]: '{"registry-mirrors": ["https://m.test"], "registry-mirrors": []}' },
    /without touching the rest/,
  ],
  [
    'the flag of dockerd',
    {
      '/etc/systemd/system/docker.service.d/mirror.conf':
        '[Service]\nExecStart=/usr/bin/dockerd --registry-mirror=https://m\n',
    },
    /mirror\.conf gives dockerd the flag --registry-mirror/,
  ],
];

for (const [what, files, message] of refusals) {
  test(`refused, and nothing changed: ${what}`, async () => {
    await using host = await TestHost.create(files);
    const before = await host.snapshot();
    const { code, err } = await host.shoal('install', 'docker');
    assert.equal(code, 3, err);
    assert.match(err, message);
    assert.deepEqual(await host.snapshot(), before);
  });
}
