import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { testCertificateFile } from '../../../../test/support/upstream/http-side.ts';
import { digestBytes } from '../testing/registry-client.ts';
import { temporaryFolder } from '../testing/test-origin.ts';
import { upstreamWorld } from '../testing/upstream-origin.ts';

const user = { name: 'alice', password: 'correct-horse-battery' };

test('bodies that break off are resumed, and a forged blob is not stored', async () => {
  await using world = await upstreamWorld({ redirects: true });
  const { fake, origin, host } = world;
  const { layers } = fake.addImage('team/app', '1', [900_000]);
  fake.storage.truncations = [300_000, 200_000];
  const blob = await origin.client.call('GET', `/v2/${host}/team/app/blobs/${layers[0]}`);
  assert.deepEqual([blob.status, digestBytes(blob.bytes)], [200, layers[0]]);
  assert.equal(fake.storage.log.length, 3);
  assert.ok(fake.storage.log.slice(1).every(({ range }) => range?.startsWith('bytes=') === true));
  const forged = fake.addBlob(Buffer.from('right'));
  fake.blobs.set(forged, Buffer.from('wrong'));
  const answer = await origin.client.call('GET', `/v2/${host}/team/app/blobs/${forged}`);
  assert.ok(answer.status >= 400, `status ${answer.status}`);
  assert.notEqual(answer.bytes.toString(), 'wrong');
});

test('schema 1 is refused, and the client is told why', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  fake.addManifest(
    'team/app',
    'old',
    '{"schemaVersion":1}',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
  );
  const answer = await origin.client.call('GET', `/v2/${host}/team/app/manifests/old`);
  assert.deepEqual([answer.status, answer.code], [404, 'MANIFEST_UNKNOWN']);
  assert.match(answer.bytes.toString(), /schema 1, which is not supported/);
});

test('rate limits are metrics, and a rest that was asked for is kept', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  fake.addImage('team/app', '1', [1]);
  fake.headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '7;w=21600' };
  await origin.client.call('GET', `/v2/${host}/team/app/manifests/1`);
  const upstream = fake.host;
  assert.equal(await world.metric('upstream_ratelimit_limit', { upstream }), 100);
  assert.equal(await world.metric('upstream_ratelimit_remaining', { upstream }), 7);
  fake.misbehave = (_request, reply) => {
    reply.writeHead(429, { 'retry-after': '3600' }).end();
    return true;
  };
  const before = fake.log.length;
  for (let round = 0; round < 3; round++)
    assert.equal((await origin.client.call('GET', `/v2/${host}/team/app/manifests/1`)).status, 200, 'stale');
  assert.equal(fake.log.length - before, 1);
  assert.equal(await world.metric('upstream_failures_total', { upstream, reason: 'limited' }), 3);
});

test('private content needs the credentials of the configuration; no secret is in any log, answer or metric', async () => {
  await using folder = await temporaryFolder();
  const dockerConfigFile = join(folder.path, 'config.json');
  await using world = await upstreamWorld(
    { tls: true, auth: 'bearer', redirects: true, user },
    { caFile: testCertificateFile },
    { dockerConfigFile },
  );
  const { fake, origin, host } = world;
  const { layers } = fake.addImage('private/app', '1', [400_000]);
  const auth = Buffer.from(`${user.name}:${user.password}`).toString('base64');
  await writeFile(dockerConfigFile, JSON.stringify({ auths: { [fake.host]: { auth } } }));
  const answers = [
    await origin.client.call('GET', `/v2/${host}/private/app/manifests/1`),
    await origin.client.call('GET', `/v2/${host}/private/app/blobs/${layers[0]}`),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200],
  );
  // What goes wrong is logged most: wrong answers, revoked tokens, an upstream that is down, a wrong password.
  fake.tokens.revokeAll();
  fake.storage.truncations = [10, 10];
  const other = fake.addBlob(Buffer.alloc(100_000, 1));
  answers.push(await origin.client.call('GET', `/v2/${host}/private/app/blobs/${other}`));
  fake.misbehave = (request, reply) => {
    reply.writeHead(request.method === 'HEAD' ? 403 : 500).end();
    return true;
  };
  answers.push(await origin.client.call('GET', `/v2/${host}/private/app/manifests/1`));
  answers.push(await origin.client.call('GET', `/v2/${host}/private/app/manifests/2`));
  assert.ok(fake.tokens.secrets.length >= 3);
  const shown = [
    world.logged(),
    await (await fetch(`${origin.adminUrl}/metrics`)).text(),
    ...answers.map(({ headers }) => JSON.stringify(headers)),
  ].join('\n');
  const errors = answers.filter(({ status }) => status >= 400).map(({ bytes }) => bytes.toString());
  for (const secret of [user.password, auth, ...fake.tokens.secrets, 'signature='])
    assert.ok(!`${shown}\n${errors.join('\n')}`.includes(secret), `${secret} is shown`);
  assert.match(world.logged(), /manifest fetched/);
});

test('without credentials a private repository is a 404, so that a runtime asks the upstream itself', async () => {
  await using world = await upstreamWorld({ auth: 'bearer', user });
  const { fake, origin, host } = world;
  fake.addImage('private/app', '1', [1]);
  const answer = await origin.client.call('GET', `/v2/${host}/private/app/manifests/1`);
  assert.deepEqual([answer.status, answer.code], [404, 'MANIFEST_UNKNOWN']);
  assert.match(answer.bytes.toString(), /credentials are refused|access is denied/);
});

test('storage that refuses for good is one line in the log, without the URL that it refused', async () => {
  await using world = await upstreamWorld({ auth: 'bearer', redirects: true });
  const { fake, origin, host } = world;
  const blob = fake.addBlob(Buffer.alloc(500_000, 3));
  fake.misbehave = ({ headers, method, url = '' }, reply) => {
    if (headers.authorization === undefined || method === 'HEAD' || !url.includes('/blobs/')) return false;
    reply
      .writeHead(307, { location: fake.storage.presigned('x', Buffer.alloc(1)).replace(/=.*/, '=expired-secret') })
      .end();
    return true;
  };
  const answer = await origin.client.call('GET', `/v2/${host}/team/app/blobs/${blob}`);
  assert.equal(answer.status, 502);
  const lines = world.logged().split('\n');
  assert.equal(lines.filter((line) => line.includes('the upstream does not deliver')).length, 1);
  for (const secret of ['expired-secret', ...fake.tokens.secrets])
    assert.ok(!`${world.logged()}${answer.bytes}`.includes(secret), `${secret} is shown`);
});

test('a blob that the upstream answers with 5xx is asked for four times in all, not four times three', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  const blob = fake.addBlob(Buffer.alloc(100_000, 5));
  fake.misbehave = ({ method }, reply) => {
    if (method === 'GET') reply.writeHead(503).end();
    return method === 'GET';
  };
  assert.equal((await origin.client.call('GET', `/v2/${host}/team/app/blobs/${blob}`)).status, 502);
  assert.equal(fake.asked('GET', blob), 4);
  fake.misbehave = ({ method }, reply) => {
    if (method === 'GET') reply.writeHead(429).end();
    return method === 'GET';
  };
  const other = fake.addBlob(Buffer.alloc(100_000, 7));
  assert.equal((await origin.client.call('GET', `/v2/${host}/team/app/blobs/${other}`)).status, 502);
  assert.equal(fake.asked('GET', other), 1, 'a limit is kept');
});

test('HEAD of a generic blob tells its size, and fetches nothing of it', async () => {
  await using world = await upstreamWorld();
  const { fake, origin, host } = world;
  const blob = fake.addBlob(Buffer.alloc(300_000, 6));
  const paths = [
    `/shoal/v1/namespaces/${host}/team/app/blobs/${blob}`,
    `/shoal/v1/content/${blob}?repository=${host}/team/app`,
  ];
  for (const path of paths) {
    const head = await origin.client.call('HEAD', path);
    assert.deepEqual([head.status, head.headers['content-length']], [200, '300000'], path);
  }
  assert.equal(fake.asked('GET', '/blobs/'), 0);
  assert.equal((await origin.client.call('GET', paths[0]!)).bytes.length, 300_000);
});
