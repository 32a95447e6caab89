import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { keptCredential } from './credentials.ts';
import { dockerConfigCredential } from './docker-config.ts';

let folder: string;
let count = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shoal-docker-config-'));
  process.env['PATH'] = `${folder}${delimiter}${process.env['PATH']}`;
});
after(() => rm(folder, { recursive: true, force: true }));

const config = async (content: unknown): Promise<string> => {
  const file = join(folder, `config-${count++}.json`);
  await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
};

/** A credential helper that is a shell script. */
const helper = async (name: string, script: string): Promise<void> => {
  const file = join(folder, `docker-credential-${name}`);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
};

const auth = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const password = (username: string, secret: string) => ({ kind: 'password', username, password: secret });

test('auths: only the very host and port', async () => {
  const file = await config({
    auths: {
      'ghcr.io': auth('gh:1'),
      'https://reg.example.com:5000': auth('re:2:with:colons'),
      'https://index.docker.io/v1/': auth('hub:3\0\0'),
      'quay.io/team': auth('team:4'),
      'plain.example.com': { username: 'pl', password: '5' },
      'token.example.com': { ...auth('x:y'), identitytoken: 'refresh' },
      'empty.example.com': {},
    },
  });
  const get = (host: string) => dockerConfigCredential(file, host);
  assert.deepEqual(await get('ghcr.io'), password('gh', '1'));
  assert.deepEqual(await get('reg.example.com:5000'), password('re', '2:with:colons'));
  assert.deepEqual(await get('docker.io'), password('hub', '3'));
  assert.deepEqual(await get('plain.example.com'), password('pl', '5'));
  assert.deepEqual(await get('token.example.com'), { kind: 'identity', token: 'refresh' });
  for (const other of [
    'hcr.io',
    'x.ghcr.io',
    'ghcr.io:443',
    'ghcr.io.evil.example',
    'reg.example.com',
    'quay.io',
    'empty.example.com',
    'io',
  ])
    assert.equal(await get(other), undefined, other);
});

test('helpers are asked before auths, each for its host, and get the server on their input', async () => {
  await helper('echo', 'read server; echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$server\\"}"');
  await helper('token', 'cat >/dev/null; echo \'{"Username":"<token>","Secret":"refresh"}\'');
  const file = await config({
    credHelpers: { 'gcr.example': 'token' },
    credsStore: 'echo',
    auths: { 'gcr.example': auth('a:b') },
  });
  assert.deepEqual(await dockerConfigCredential(file, 'gcr.example'), { kind: 'identity', token: 'refresh' });
  assert.deepEqual(await dockerConfigCredential(file, 'quay.io'), password('get', 'quay.io'));
  assert.deepEqual(await dockerConfigCredential(file, 'docker.io'), password('get', 'https://index.docker.io/v1/'));
});

test('a helper that has nothing leaves it to auths; one that fails, is missing or named like a path is an error without its output', async () => {
  await helper('none', 'echo "credentials not found in native keychain"; exit 1');
  await helper('broken', 'echo hunter2; echo hunter2 >&2; exit 3');
  await helper('garbage', 'cat >/dev/null; echo hunter2');
  const withHelper = (name: string) => config({ credsStore: name, auths: { 'quay.io': auth('a:b') } });
  assert.deepEqual(await dockerConfigCredential(await withHelper('none'), 'quay.io'), password('a', 'b'));
  for (const [name, pattern] of [
    ['broken', /docker-credential-broken failed with 3/],
    ['garbage', /printed no JSON/],
    ['missing', /docker-credential-missing failed with ENOENT/],
    ['../evil', /is not the name of a helper/],
  ] as const) {
    await assert.rejects(
      dockerConfigCredential(await withHelper(name), 'quay.io'),
      (error: Error & { code?: string }) => {
        assert.match(error.message, pattern);
        assert.doesNotMatch(`${error.message}${String(error.cause)}`, /hunter2/);
        return error.code === 'UPSTREAM_DENIED';
      },
    );
  }
});

test('a file that cannot be read says which one it is, and nothing of what is in it', async () => {
  const broken = await config('{"auths": {"quay.io": {"auth": "c2VjcmV0OnB3"');
  await assert.rejects(dockerConfigCredential(broken, 'quay.io'), { message: `credentials: ${broken} is not JSON` });
  const absent = join(folder, 'absent.json');
  await assert.rejects(dockerConfigCredential(absent, 'quay.io'), { message: `credentials: ${absent} cannot be read` });
  const noColon = await config({ auths: { 'quay.io': auth('hunter2') } });
  await assert.rejects(
    dockerConfigCredential(noColon, 'quay.io'),
    /auth of quay.io in .* is not base64 of user:password/,
  );
});

test('credentials are kept for a while, until they are refused, and a failure is not kept', async () => {
  let reads = 0;
  let nowMs = 0;
  let failing = true;
  const source = keptCredential(
    async () => {
      reads++;
      if (failing) throw new Error('not now');
      return { kind: 'identity', token: String(reads) };
    },
    () => nowMs,
  );
  await assert.rejects(source.get(), /not now/);
  failing = false;
  assert.deepEqual(await Promise.all([source.get(), source.get()]), [
    { kind: 'identity', token: '2' },
    { kind: 'identity', token: '2' },
  ]);
  source.refused();
  assert.deepEqual(await source.get(), { kind: 'identity', token: '3' });
  nowMs = 300_000;
  assert.deepEqual(await source.get(), { kind: 'identity', token: '4' });
});
