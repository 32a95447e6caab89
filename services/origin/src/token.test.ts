import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import bcrypt from 'bcryptjs';
import type { Answer, CallOptions, RegistryClient } from './testing/registry-client.ts';
import { startOrigin, temporaryFolder, type TestOrigin } from './testing/test-origin.ts';

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});
const staticToken = 'a-token-of-some-length';
const path = '/shoal/v1/token';
const unknownBlob = `sha256:${'0'.repeat(64)}`;

interface TokenAnswer {
  readonly token: string;
  readonly access_token: string;
  readonly scope: string;
  readonly expires_in: number;
  readonly issued_at: string;
}

const tokenOf = (answer: Answer): TokenAnswer => JSON.parse(answer.bytes.toString()) as TokenAnswer;

for (const anonymousPull of [true, false]) {
  describe(`the token endpoint with ${anonymousPull ? 'anonymous' : 'no anonymous'} pulls`, () => {
    let test: TestOrigin;
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    let nowMs = Date.now();
    before(async () => {
      folder = await temporaryFolder();
      const htpasswdFile = join(folder.path, 'htpasswd');
      writeFileSync(htpasswdFile, `alice:${bcrypt.hashSync('secret', 4)}\n`);
      test = await startOrigin(
        { auth: { htpasswdFile, tokens: [staticToken], anonymousPull } },
        { clock: () => nowMs },
      );
      await test.client.with(basic('alice', 'secret')).pushImage('tok/app', 'v1');
      await test.client.with(basic('alice', 'secret')).pushImage('tok/base', 'v1');
    });
    after(async () => {
      await test[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    });

    const ask = (scope: string, headers: Record<string, string> = {}): Promise<Answer> =>
      test.client.call('GET', path, { query: { service: 'shoal', scope }, headers });
    const post = (form: Record<string, string>): Promise<Answer> =>
      test.client.call('POST', path, {
        body: new URLSearchParams(form).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      });
    const bearer = (answer: Answer): RegistryClient =>
      test.client.with({ authorization: `Bearer ${tokenOf(answer).token}` });
    const statusOf = async (client: RegistryClient, method: string, url: string, options: CallOptions = {}) =>
      (await client.call(method, url, options)).status;

    it('grants a user what was asked for, in that repository only', async () => {
      const answer = await ask('repository:tok/app:pull,push', basic('alice', 'secret'));
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['cache-control'], 'no-store');
      const { token, access_token, scope, expires_in, issued_at } = tokenOf(answer);
      assert.deepEqual([access_token, scope, expires_in], [token, 'repository:tok/app:pull,push', 300]);
      assert.equal(issued_at, new Date(nowMs).toISOString());
      const client = bearer(answer);
      assert.equal(await statusOf(client, 'GET', '/v2/'), 200);
      assert.equal(await statusOf(client, 'GET', '/v2/tok/app/manifests/v1'), 200);
      await client.pushBlob('tok/app', Buffer.from('more'));
      const elsewhere = await client.call('POST', '/v2/tok/base/blobs/uploads/');
      assert.deepEqual([elsewhere.status, elsewhere.code], [401, 'UNAUTHORIZED']);
      assert.match(
        String(elsewhere.headers['www-authenticate']),
        /,scope="repository:tok\/base:pull,push",error="insufficient_scope"$/,
      );
      assert.equal(await statusOf(client, 'GET', '/v2/tok/base/manifests/v1'), anonymousPull ? 200 : 401);
      assert.equal(await statusOf(client, 'DELETE', `/v2/tok/app/blobs/${unknownBlob}`), 401);
      assert.equal(await statusOf(client, 'DELETE', await client.startUpload('tok/app')), 204);
    });

    it('grants deletes, and serves the generic blobs as well', async () => {
      const client = bearer(await ask('repository:tok/app:*', basic('alice', 'secret')));
      assert.equal(await statusOf(client, 'DELETE', `/v2/tok/app/blobs/${unknownBlob}`), 404);
      assert.equal(await statusOf(client, 'DELETE', `/shoal/v1/namespaces/tok/app/blobs/${unknownBlob}`), 404);
      assert.equal(await statusOf(client, 'DELETE', `/shoal/v1/namespaces/tok/base/blobs/${unknownBlob}`), 401);
    });

    it('wants the pull of a mount granted where pulls need a login', async () => {
      const digest = await test.client.with(basic('alice', 'secret')).pushBlob('tok/base', Buffer.from('to mount'));
      const mount = { query: { mount: digest, from: 'tok/base' } };
      const url = '/v2/tok/app/blobs/uploads/';
      const narrow = bearer(await ask('repository:tok/app:pull,push', basic('alice', 'secret')));
      const answer = await narrow.call('POST', url, mount);
      assert.equal(answer.status, anonymousPull ? 201 : 401);
      if (!anonymousPull)
        assert.match(
          String(answer.headers['www-authenticate']),
          /scope="repository:tok\/app:pull,push repository:tok\/base:pull"/,
        );
      const wide = await ask('repository:tok/app:pull,push repository:tok/base:pull', basic('alice', 'secret'));
      assert.equal(await statusOf(bearer(wide), 'POST', url, mount), 201);
      const odd = { query: { mount: digest, from: 'no"name\r\n' } };
      assert.equal(await statusOf(bearer(wide), 'POST', url, odd), 400);
    });

    it(`gives who has no login ${anonymousPull ? 'pulls only' : 'nothing'}`, async () => {
      for (const headers of [{}, basic('', '')]) {
        const answer = await ask('repository:tok/app:pull,push', headers);
        assert.equal(answer.status, anonymousPull ? 200 : 401);
        if (!anonymousPull) continue;
        assert.equal(tokenOf(answer).scope, 'repository:tok/app:pull');
        const client = bearer(answer);
        assert.equal(await statusOf(client, 'GET', '/v2/tok/app/manifests/v1'), 200);
        const push = await client.call('POST', '/v2/tok/app/blobs/uploads/');
        assert.deepEqual([push.status, push.code], [401, 'UNAUTHORIZED']);
        assert.match(push.bytes.toString(), /a login is needed/);
        assert.match(String(push.headers['www-authenticate']), /error="insufficient_scope"$/);
        for (const write of ['/v2/tok/UPPER/blobs/uploads/', '/v2/nothing', '/shoal/v1/namespaces/x'])
          assert.equal(await statusOf(client, 'PUT', write), 401, write);
      }
    });

    it('refuses wrong credentials, also where none are needed', async () => {
      for (const headers of [
        basic('alice', 'wrong'),
        basic('bob', 'secret'),
        { authorization: 'Bearer something-else-entirely' },
      ]) {
        const answer = await ask('repository:tok/app:pull', headers);
        assert.deepEqual([answer.status, answer.code], [401, 'UNAUTHORIZED']);
        assert.match(String(answer.headers['www-authenticate']), /^Basic /);
      }
      const granted = tokenOf(await ask('', basic('alice', 'secret'))).token;
      assert.equal((await ask('', { authorization: `Bearer ${granted}` })).status, 401, 'a token renews no token');
    });

    it('takes the form of OAuth clients', async () => {
      const client = { service: 'shoal', client_id: 'containerd-client', scope: 'repository:tok/app:pull,push' };
      const password = { grant_type: 'password', username: 'alice', password: 'secret', ...client };
      const answer = await post(password);
      assert.equal(answer.status, 200);
      assert.equal(await statusOf(bearer(answer), 'POST', '/v2/tok/app/blobs/uploads/'), 202);
      const refresh = await post({ grant_type: 'refresh_token', refresh_token: staticToken, ...client });
      assert.equal(tokenOf(refresh).scope, 'repository:tok/app:pull,push');
      for (const [form, status] of [
        [{ ...password, password: 'wrong' }, 401],
        [{ grant_type: 'refresh_token', refresh_token: 'wrong', ...client }, 401],
        [{ grant_type: 'authorization_code', ...client }, 400],
        [client, 400],
        [{ ...password, scope: 'x'.repeat(20_000) }, 413],
        [{ ...password, scope: 'repository:a:pull '.repeat(17) }, 400],
      ] as const)
        assert.equal((await post(form)).status, status, JSON.stringify(form).slice(0, 100));
    });

    it('gives tokens that end, with a challenge for a new one', async () => {
      const client = bearer(await ask('repository:tok/app:pull,push', basic('alice', 'secret')));
      nowMs += 299_999;
      assert.equal(await statusOf(client, 'POST', '/v2/tok/app/blobs/uploads/'), 202);
      nowMs += 1;
      const { status, headers } = await client.call('POST', '/v2/tok/app/blobs/uploads/');
      assert.equal(status, 401);
      assert.match(String(headers['www-authenticate']), /error="invalid_token"$/);
    });
  });
}

it('without users there is no token endpoint, and with a realm clients are sent there', async () => {
  await using open = await startOrigin();
  assert.equal((await open.client.call('GET', path)).status, 404);
  const realm = 'https://registry.example.com/shoal/v1/token';
  await using test = await startOrigin({ auth: { tokens: [staticToken], realm } });
  const { headers } = await test.client.call('GET', '/v2/');
  assert.equal(headers['www-authenticate'], `Bearer realm="${realm}",service="shoal"`);
});
