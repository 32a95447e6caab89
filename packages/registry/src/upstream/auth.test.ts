import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import { clientOf, name, reference } from './testing/client.ts';

const user = { name: 'alice', password: 'correct horse' };
const alice = { kind: 'password', username: user.name, password: user.password } as const;

test('a Bearer challenge is answered with a token, which serves all that follows of the repository', async () => {
  await using fake = await FakeUpstream.start({ auth: 'bearer', user });
  await using client = clientOf(fake, { credential: alice });
  fake.addImage('private/app', '1', [10]);
  for (let round = 0; round < 3; round++) await client.upstream.manifest(name('private/app'), reference('1'));
  assert.deepEqual(fake.tokens.log, [
    { method: 'GET', scope: 'repository:private/app:pull', service: 'fake', user: 'alice' },
  ]);
  assert.deepEqual(
    fake.log.map(({ status }) => status),
    [401, 200, 200, 200],
  );
  fake.addImage('private/other', '1', [10]);
  await client.upstream.manifest(name('private/other'), reference('1'));
  assert.equal(fake.tokens.log.length, 2, 'a token of its own for every repository');
});

test('many requests at once share one token request', async () => {
  await using fake = await FakeUpstream.start({ auth: 'bearer' });
  await using client = clientOf(fake);
  fake.addImage('team/app', '1', [10]);
  await Promise.all(Array.from({ length: 20 }, () => client.upstream.manifest(name('team/app'), reference('1'))));
  assert.equal(fake.tokens.log.length, 1);
  assert.equal(fake.tokens.log[0]?.user, undefined, 'anonymously, as there are no credentials');
});

test('a token is not used when its time is over, and a revoked one is replaced once', async () => {
  await using fake = await FakeUpstream.start({ auth: 'bearer', expiresInSeconds: 100 });
  await using client = clientOf(fake);
  fake.addImage('team/app', '1', [10]);
  const pull = () => client.upstream.manifest(name('team/app'), reference('1'));
  await pull();
  client.time.nowMs = 80_000;
  await pull();
  assert.equal(fake.tokens.log.length, 1);
  client.time.nowMs = 90_000;
  await pull();
  assert.equal(fake.tokens.log.length, 2, 'it was about to expire');
  fake.tokens.revokeAll();
  await pull();
  assert.equal(fake.tokens.log.length, 3);
  assert.equal(fake.asked('GET', 'manifests'), 4);
});

test('a registry that refuses its own fresh tokens is asked twice, not for ever', async () => {
  await using fake = await FakeUpstream.start({ auth: 'bearer' });
  await using client = clientOf(fake);
  fake.addImage('private/app', '1', [10]);
  await assert.rejects(client.upstream.manifest(name('private/app'), reference('1')), {
    code: 'UPSTREAM_DENIED',
    status: 404,
  });
  assert.equal(fake.log.length, 2);
});

test('a wrong password is a denial', async () => {
  await using fake = await FakeUpstream.start({ auth: 'bearer', user });
  await using client = clientOf(fake, { credential: { ...alice, password: 'wrong' } });
  fake.addImage('private/app', '1', [10]);
  await assert.rejects(
    client.upstream.manifest(name('private/app'), reference('1')),
    /no token for repository:private\/app:pull \(status 401\)/,
  );
});

test('an identity token is exchanged by POST; a password by POST where the token server knows only that', async () => {
  await using byIdentity = await FakeUpstream.start({ auth: 'bearer', identityToken: 'refresh me' });
  await using one = clientOf(byIdentity, { credential: { kind: 'identity', token: 'refresh me' } });
  byIdentity.addImage('private/app', '1', [10]);
  await one.upstream.manifest(name('private/app'), reference('1'));
  assert.deepEqual(
    byIdentity.tokens.log.map(({ method, user: who }) => [method, who]),
    [['POST', 'by identity']],
  );

  await using postOnly = await FakeUpstream.start({ auth: 'bearer', user, postOnly: true });
  await using other = clientOf(postOnly, { credential: alice });
  postOnly.addImage('private/app', '1', [10]);
  await other.upstream.manifest(name('private/app'), reference('1'));
  assert.deepEqual(
    postOnly.tokens.log.map(({ method, user: who }) => [method, who]),
    [['POST', 'alice']],
  );
});

test('Basic: the password goes along once the registry asked for it, and not before', async () => {
  await using fake = await FakeUpstream.start({ auth: 'basic', user });
  await using client = clientOf(fake, { credential: alice });
  fake.addImage('team/app', '1', [10]);
  await client.upstream.manifest(name('team/app'), reference('1'));
  await client.upstream.manifest(name('team/app'), reference('1'));
  assert.deepEqual(
    fake.log.map(({ authorization }) => authorization?.slice(0, 6)),
    [undefined, 'Basic ', 'Basic '],
  );
  await using anonymous = clientOf(fake);
  await assert.rejects(anonymous.upstream.manifest(name('team/app'), reference('1')), /it wants credentials/);
});

test('credentials read anew answer a refusal: a rotated password', async () => {
  await using fake = await FakeUpstream.start({ auth: 'basic', user });
  fake.addImage('team/app', '1', [10]);
  let password = 'the old one';
  let kept: typeof alice | undefined;
  const credentials = {
    get: async () => (kept ??= { ...alice, password } as typeof alice),
    refused: () => (kept = undefined),
  };
  await using client = clientOf(fake, { credentials });
  await assert.rejects(client.upstream.manifest(name('team/app'), reference('1')), { code: 'UPSTREAM_DENIED' });
  password = user.password;
  await client.upstream.manifest(name('team/app'), reference('1'));
});

test('a token server without TLS is refused, unless the upstream is configured as insecure', async () => {
  await using secure = await FakeUpstream.start({ tls: true, auth: 'bearer', user });
  await using plain = await FakeUpstream.start({ auth: 'bearer', user });
  secure.misbehave = (_request, reply) => {
    reply.writeHead(401, { 'www-authenticate': `Bearer realm="${plain.tokens.realm}",service="fake"` }).end();
    return true;
  };
  await using client = clientOf(secure, { credential: alice, ca: true });
  await assert.rejects(client.upstream.manifest(name('private/app'), reference('1')), /realm: http:.* is not allowed/);
  assert.deepEqual(plain.tokens.log, []);
});

test('TLS is verified: an authority of its own has to be configured', async () => {
  await using fake = await FakeUpstream.start({ tls: true, auth: 'bearer', user });
  fake.addImage('private/app', '1', [10]);
  await using trusting = clientOf(fake, { credential: alice, ca: true });
  await trusting.upstream.manifest(name('private/app'), reference('1'));
  await using strict = clientOf(fake, { credential: alice });
  await assert.rejects(
    strict.upstream.tagDigest(name('private/app'), '1', { hurried: true }),
    /SELF_SIGNED|UNABLE_TO_VERIFY/,
  );
  assert.equal(fake.tokens.log.length, 1);
});
