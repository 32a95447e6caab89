import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { ConfigError } from '@shoal/service';
import bcrypt from 'bcryptjs';
import { Agent } from 'undici';
import { RegistryClient, types } from './testing/registry-client.ts';
import { startOrigin, temporaryFolder, testConfig, type TestOrigin } from './testing/test-origin.ts';

const token = 'a-token-of-some-length';
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const line = (user: string, password: string): string => `${user}:${bcrypt.hashSync(password, 4)}\n`;

const credentials = {
  none: {},
  'empty, as podman sends it': basic('', ''),
  'a wrong password': basic('alice', 'wrong'),
  'an unknown user': basic('bob', 'secret'),
  'a wrong token': { authorization: 'Bearer something-else-entirely' },
  'another scheme': { authorization: 'Digest username="alice"' },
  'no base64': { authorization: 'Basic ???' },
  'the password': basic('alice', 'secret'),
  'a password with a colon': basic('carol', 'se:cret'),
  'the token as Bearer': { authorization: `Bearer ${token}` },
  'the token as password': basic('anyone', token),
} as const;
const valid = new Set<string>([
  'the password',
  'a password with a colon',
  'the token as Bearer',
  'the token as password',
]);

for (const anonymousPull of [true, false]) {
  describe(`with users and ${anonymousPull ? 'anonymous' : 'no anonymous'} pulls`, () => {
    let test: TestOrigin;
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    before(async () => {
      folder = await temporaryFolder();
      const htpasswdFile = join(folder.path, 'htpasswd');
      writeFileSync(htpasswdFile, `# users\n${line('alice', 'secret')}\n${line('carol', 'se:cret')}`);
      test = await startOrigin({ auth: { htpasswdFile, tokens: [token], anonymousPull } });
      await test.client.with(basic('alice', 'secret')).pushImage('auth/app', 'v1');
    });
    after(async () => {
      await test[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });

    for (const [name, headers] of Object.entries(credentials)) {
      it(`${name}: ${valid.has(name) ? 'everything' : anonymousPull ? 'pulls only' : 'nothing'}`, async () => {
        const client = test.client.with(headers);
        const pull = valid.has(name) || anonymousPull ? 200 : 401;
        for (const path of ['/v2/auth/app/manifests/v1', '/v2/auth/app/tags/list'])
          assert.equal((await client.call('GET', path)).status, pull, path);
        const login = await client.call('GET', '/v2/');
        assert.equal(login.status, valid.has(name) ? 200 : 401);
        for (const [method, path, allowed] of [
          ['POST', '/v2/auth/app/blobs/uploads/', 202],
          ['PUT', '/v2/auth/app/manifests/v2', 400],
          ['DELETE', '/v2/auth/app/manifests/unknown', 404],
          ['DELETE', `/shoal/v1/namespaces/auth/app/blobs/sha256:${'0'.repeat(64)}`, 404],
        ] as const) {
          const {
            status,
            headers: answered,
            code,
          } = await client.call(
            method,
            path,
            method === 'PUT' ? { body: 'x', headers: { 'content-type': types.image } } : {},
          );
          assert.equal(status, valid.has(name) ? allowed : 401, `${method} ${path}`);
          if (status !== 401) continue;
          assert.equal(code, 'UNAUTHORIZED');
          assert.match(
            String(answered['www-authenticate']),
            /^Bearer realm="http:\/\/127\.0\.0\.1:\d+\/shoal\/v1\/token"/,
          );
        }
      });
    }
  });
}

describe('the htpasswd file', () => {
  it('is read again when it changes, and a broken change is not taken over', async () => {
    await using folder = await temporaryFolder();
    const htpasswdFile = join(folder.path, 'htpasswd');
    writeFileSync(htpasswdFile, line('alice', 'one'));
    let nowMs = 1_000_000;
    await using test = await startOrigin({ auth: { htpasswdFile } }, { clock: () => nowMs });
    const login = async (password: string): Promise<number> =>
      (await test.client.with(basic('alice', password)).call('GET', '/v2/')).status;
    assert.deepEqual([await login('one'), await login('two')], [200, 401]);
    const change = (text: string, seconds: number): void => {
      writeFileSync(htpasswdFile, text);
      utimesSync(htpasswdFile, seconds, seconds);
      nowMs += 2_000;
    };
    change(line('alice', 'two'), 1_000);
    assert.deepEqual([await login('one'), await login('two')], [401, 200]);
    change('alice:no hash\n', 2_000);
    assert.deepEqual([await login('one'), await login('two')], [401, 200]);
  });

  it('stops the start when it is broken, naming file and line but no hash', async () => {
    await using folder = await temporaryFolder();
    const htpasswdFile = join(folder.path, 'htpasswd');
    writeFileSync(htpasswdFile, `${line('alice', 'x')}bob:$apr1$secrethash\n`);
    await assert.rejects(startOrigin({ auth: { htpasswdFile } }), (error: Error) => {
      assert.match(error.message, /line 2 of .*htpasswd/);
      assert.doesNotMatch(error.message, /apr1/);
      return true;
    });
    for (const unreadable of [join(folder.path, 'nothing'), folder.path]) {
      await assert.rejects(startOrigin({ auth: { htpasswdFile: unreadable } }), {
        code: 'HTPASSWD_INVALID',
        message: /^auth\.htpasswdFile: .* can't be read: E/,
      });
    }
  });

  it('costs one comparison for many requests with the same password', async () => {
    await using folder = await temporaryFolder();
    const htpasswdFile = join(folder.path, 'htpasswd');
    // Cost 12 takes some 200 ms a comparison: 200 of them would exceed the time of this test by far.
    writeFileSync(htpasswdFile, `alice:${bcrypt.hashSync('secret', 12)}\n`);
    await using test = await startOrigin({ auth: { htpasswdFile } });
    const client = test.client.with(basic('alice', 'secret'));
    const answers = await Promise.all(Array.from({ length: 200 }, () => client.call('GET', '/v2/')));
    assert.ok(answers.every(({ status }) => status === 200));
  });
});

describe('a login', () => {
  it('does not keep the event loop from serving others', async () => {
    await using folder = await temporaryFolder();
    const htpasswdFile = join(folder.path, 'htpasswd');
    const hash = bcrypt.hashSync('secret', 4).replace('$04$', '$12$');
    writeFileSync(htpasswdFile, `alice:${hash}\n`);
    await using test = await startOrigin({ auth: { htpasswdFile } });
    await test.client.with(basic('alice', 'first')).call('GET', '/v2/');
    const before = performance.eventLoopUtilization();
    const startMs = performance.now();
    const { status } = await test.client.with(basic('alice', 'wrong')).call('GET', '/v2/');
    assert.equal(status, 401);
    assert.ok(performance.now() - startMs > 20, 'the hash costs too little to tell');
    const { utilization } = performance.eventLoopUtilization(before);
    assert.ok(utilization < 0.5, `the event loop was busy for ${utilization} of the login`);
  });
});

describe('the configuration', () => {
  for (const [values, key] of [
    [{ registry: { host: '0.0.0.0', port: 0 }, cluster: { secret: 'x'.repeat(32) } }, 'registry.host'],
    [{ pieces: { host: '0.0.0.0', port: 0 } }, 'pieces.host'],
    [{ pieces: { host: '0.0.0.0', port: 0 }, cluster: { secret: 'x'.repeat(32) } }, 'pieces.advertise'],
    [{ debug: { host: '0.0.0.0', port: 0 } }, 'debug.host'],
    [{ pieceLength: { minBytes: '300KiB' } }, 'pieceLength.minBytes'],
    [{ pieceLength: { minBytes: '64MiB' } }, 'pieceLength.minBytes'],
    [{ auth: { tokens: ['short'] } }, 'auth.tokens[0]'],
    [{ auth: { user: 'x' } }, 'auth.user'],
    [{ manifests: { bytesMax: 'many' } }, 'manifests.bytesMax'],
  ] as const) {
    it(`with ${JSON.stringify(values)} names ${key}`, () => {
      assert.throws(
        () => testConfig('/tmp/x', values),
        (error) => error instanceof ConfigError && error.message.includes(key),
      );
    });
  }

  it('lets an origin with users and a secret listen everywhere', () => {
    const open = { host: '0.0.0.0', port: 0 };
    assert.ok(
      testConfig('/tmp/x', {
        registry: open,
        pieces: { ...open, advertise: 'origin.example:7001' },
        auth: { tokens: [token] },
        cluster: { secret: 'x'.repeat(32) },
      }),
    );
  });
});

describe('TLS', () => {
  const ecKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const certificate = (folder: string, name: string): { certFile: string; keyFile: string } => {
    const [certFile, keyFile] = [join(folder, `${name}.pem`), join(folder, `${name}-key.pem`)];
    execFileSync('openssl', ['req', '-x509', ...ecKey, '-keyout', keyFile, '-out', certFile, ...subject], {
      stdio: 'ignore',
    });
    return { certFile, keyFile };
  };
  const clientOf = (test: TestOrigin, dispatcher: Agent): RegistryClient =>
    new RegistryClient(`https://127.0.0.1:${test.origin.addresses.registry.port}`, { dispatcher });

  it('serves the registry by certificate and key files', async () => {
    await using folder = await temporaryFolder();
    const server = certificate(folder.path, 'server');
    await using test = await startOrigin({ registry: { port: 0, tls: server } });
    await using agents = new AsyncDisposableStack();
    const dispatcher = new Agent({ connect: { ca: readFileSync(server.certFile) } });
    const client = clientOf(
      test,
      agents.adopt(dispatcher, (agent) => agent.close()),
    );
    const { text } = await client.pushImage('tls/app', 'v1');
    assert.equal((await client.call('GET', '/v2/tls/app/manifests/v1')).bytes.toString(), text);
    await assert.rejects(test.client.call('GET', '/v2/'));
  });

  it('wants a certificate of the client when authorities are configured', async () => {
    await using folder = await temporaryFolder();
    const [server, client] = [certificate(folder.path, 'server'), certificate(folder.path, 'client')];
    await using test = await startOrigin({ registry: { port: 0, tls: { ...server, caFile: client.certFile } } });
    const ca = readFileSync(server.certFile);
    const own = { cert: readFileSync(client.certFile), key: readFileSync(client.keyFile) };
    await using agents = new AsyncDisposableStack();
    const agentWith = (connect: object): Agent => agents.adopt(new Agent({ connect }), (agent) => agent.destroy());
    assert.equal((await clientOf(test, agentWith({ ca, ...own })).call('GET', '/v2/')).status, 200);
    await assert.rejects(clientOf(test, agentWith({ ca })).call('GET', '/v2/'));
  });

  it('names a certificate file that cannot be read', async () => {
    const files = { certFile: '/nothing/cert.pem', keyFile: '/nothing/key.pem' };
    await assert.rejects(startOrigin({ registry: { port: 0, tls: files } }), /registry\.tls\.certFile: \/nothing/);
  });
});
