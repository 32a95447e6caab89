import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { digestOfBytes, pushImage, TestAgent, urlOf } from '../testing/world.ts';
import {
  basic,
  basicOf,
  login,
  patient,
  privateName,
  privateWorld,
  publicName,
  statusOf,
  tokenFor,
  upstreamHost,
} from './testing/private-world.ts';

test('a private image goes to who may pull it from its registry, over the swarm, and to nobody else', async () => {
  await using w = await privateWorld();
  const image = w.fake.addImage('private/app', 'v1', [300_000, 1000]);
  w.fake.addImage('private/other', 'v1', [1000]);
  const agents = await Promise.all(['a', 'b'].map((name) => w.agent(name)));
  const asked = ['v1', image.digest].map((reference) => `/v2/${privateName}/manifests/${reference}`);
  const blobs = [image.config, ...image.layers].map((digest) => `/v2/${privateName}/blobs/${digest}`);
  const lists = [`/v2/${privateName}/tags/list`, `/v2/${privateName}/referrers/${image.digest}`];
  const challenge = `Bearer realm="${w.fake.tokens.realm}",service="fake",scope="repository:private/app:pull"`;
  for (const agent of agents) {
    const token = await login(agent, asked[0]!, basic);
    for (const path of [...asked, ...blobs, ...lists]) assert.equal(await statusOf(agent, path, token), 200, path);
    if (agent !== agents[0]) continue;
    const other = await login(agent, '/v2/up.example.com_5000/private/other/manifests/v1', basic);
    for (const path of [...asked, ...blobs, ...lists])
      for (const credentials of [undefined, 'Bearer made-up', other, basicOf('', '')]) {
        const method = path.includes('/referrers/') ? 'HEAD' : 'GET';
        const answer = await agent.get(path, credentials === undefined ? {} : { authorization: credentials }, method);
        await answer.arrayBuffer();
        assert.equal(answer.status, 401, `${method} ${path} with ${credentials}`);
        assert.equal(answer.headers.get('www-authenticate'), challenge);
      }
  }
  for (const layer of image.layers) assert.equal(w.fake.asked('GET', layer), 1);
  assert.ok(w.fake.asked('HEAD', '/blobs/') <= image.layers.length + 1, 'by the origin, once each');
});

test('open: whoever reaches the agent; verify: what is public needs no credentials', async () => {
  await using w = await privateWorld();
  w.fake.addImage('private/app', 'v1', [1000]);
  w.fake.addImage('public/app', 'v1', [1000]);
  const open = await w.world.agent('open', { deadlines: patient });
  const checking = await w.agent('checking');
  for (const [agent, status] of [
    [open, 200],
    [checking, 401],
  ] as const) {
    assert.equal(await statusOf(agent, `/v2/${privateName}/manifests/v1`), status);
    assert.equal(await statusOf(agent, `/v2/${publicName}/manifests/v1`), 200);
    assert.equal(await statusOf(agent, `/v2/public/app/manifests/v1?ns=${upstreamHost}`), 200);
  }
});

test('a digest that the repository does not have is refused, whatever the agent holds', async () => {
  await using w = await privateWorld();
  const image = w.fake.addImage('private/app', 'v1', [1000]);
  const own = await pushImage(w.world.origin, 'team/app', 'v1', [1000]);
  w.fake.addImage('public/app', 'v1', [1000]);
  const agent = await w.agent('a');
  const token = await login(agent, `/v2/${privateName}/manifests/v1`, basic);
  const publicToken = await login(agent, `/v2/${publicName}/manifests/unknown`);
  const [layer] = image.layers;
  for (const path of [`manifests/${image.digest}`, `blobs/${layer}`])
    assert.equal(await statusOf(agent, `/v2/${privateName}/${path}`, token), 200, 'it is in the cache now');
  for (const repository of [publicName, 'team/app', 'team/unknown'])
    for (const path of [`manifests/${image.digest}`, `blobs/${layer}`, `blobs/${image.digest}`])
      assert.equal(await statusOf(agent, `/v2/${repository}/${path}`, publicToken), 404, `${repository}/${path}`);
  assert.equal(await statusOf(agent, `/shoal/v1/namespaces/team/app/blobs/${layer}`), 404);
  assert.equal(await statusOf(agent, `/shoal/v1/namespaces/${privateName}/blobs/${layer}`), 401);
  assert.equal(await statusOf(agent, `/v2/unlisted.example.com/app/blobs/${layer}`), 404);
  for (const path of [`manifests/v1`, `blobs/${own.layers[0]!.digest}`])
    assert.equal(await statusOf(agent, `/v2/team/app/${path}`), 200, 'an origin without users gives to anybody');
});

test('a manifest that refers to the blob of another repository is no way to its bytes', async () => {
  await using w = await privateWorld();
  const image = w.fake.addImage('private/app', 'v1', [1000]);
  const agent = await w.agent('a');
  const token = await login(agent, `/v2/${privateName}/manifests/v1`, basic);
  for (const path of ['manifests/v1', `blobs/${image.layers[0]}`])
    assert.equal(await statusOf(agent, `/v2/${privateName}/${path}`, token), 200, 'it is in the cache now');
  w.fake.addManifest('public/app', 'evil', w.fake.manifests.get(image.digest)!.bytes.toString());
  const evil = await login(agent, `/v2/${publicName}/manifests/unknown`);
  assert.equal(await statusOf(agent, `/v2/${publicName}/manifests/evil`, evil), 200);
  for (const blob of [image.layers[0], image.config])
    assert.equal(await statusOf(agent, `/v2/${publicName}/blobs/${blob}`, evil), 404);
});

test('nor is it where the origin has the blob no longer, and would have to ask for it', async () => {
  await using w = await privateWorld({ auth: 'bearer' }, { fetches: { keptBytesMax: '2MiB' } });
  const image = w.fake.addImage('private/app', 'v1', [1_500_000]);
  const other = w.fake.addImage('public/app', 'large', [1_500_000]);
  const agent = await w.agent('a');
  const token = await login(agent, `/v2/${privateName}/manifests/v1`, basic);
  for (const path of ['manifests/v1', `blobs/${image.layers[0]}`])
    assert.equal(await statusOf(agent, `/v2/${privateName}/${path}`, token), 200, 'it is in the cache now');
  const evil = await login(agent, `/v2/${publicName}/manifests/unknown`);
  // What takes its place at the origin.
  for (const path of ['manifests/large', `blobs/${other.layers[0]}`])
    assert.equal(await statusOf(agent, `/v2/${publicName}/${path}`, evil), 200);
  const { hostname, port } = new URL(urlOf(w.world.origin.addresses.registry));
  const gone = `http://${hostname}:${port}/shoal/v1/content/${image.layers[0]}?repository=${publicName}`;
  assert.equal((await fetch(gone)).status, 404, 'the origin does not have it');
  w.fake.addManifest('public/app', 'evil', w.fake.manifests.get(image.digest)!.bytes.toString());
  assert.equal(await statusOf(agent, `/v2/${publicName}/manifests/evil`, evil), 200);
  for (const method of ['GET', 'HEAD'])
    assert.equal(await statusOf(agent, `/v2/${publicName}/blobs/${image.layers[0]}`, evil, method), 404, method);
});

test('a registry that wants a password with each request gets what the client brings', async () => {
  await using w = await privateWorld({ auth: 'basic' });
  w.fake.addImage('private/app', 'v1', [1000]);
  const agent = await w.agent('a');
  const refused = await agent.get(`/v2/${privateName}/manifests/v1`);
  assert.deepEqual(
    [refused.status, refused.headers.get('www-authenticate')],
    [401, 'Basic realm="fake, with a comma"'],
  );
  assert.equal(await statusOf(agent, `/v2/${privateName}/manifests/v1`, basicOf('alice', 'wrong')), 401);
  assert.equal(await statusOf(agent, `/v2/${privateName}/manifests/v1`, basic), 200);
});

test('a mirror of one registry challenges at /v2/ as that registry does', async () => {
  await using w = await privateWorld();
  w.fake.addImage('private/app', 'v1', [1000]);
  const mirrors = [{ upstream: upstreamHost, port: 0 }];
  const agent = await w.agent('a', {}, { registry: { port: 0, mirrors } });
  const mirror = new TestAgent(agent.agent, agent.agent.addresses[`mirror of ${upstreamHost}`]);
  const base = await mirror.get('/v2/');
  assert.equal(base.status, 401);
  assert.ok(base.headers.get('www-authenticate')?.startsWith(`Bearer realm="${w.fake.tokens.realm}"`));
  const token = await login(mirror, '/v2/private/app/manifests/v1', basic);
  assert.equal(await statusOf(mirror, '/v2/private/app/manifests/v1', token), 200);
  assert.equal(await statusOf(mirror, '/v2/private/app/manifests/v1'), 401);
  assert.equal(await statusOf(agent, '/v2/'), 200, 'the origin wants nothing');
});

test('with the upstream down the agent gives what was granted lately, and nothing else', async () => {
  await using w = await privateWorld();
  const image = w.fake.addImage('private/app', 'v1', [1000]);
  const believing = await w.agent('believing', { keptMs: 0, staleMs: '1h' });
  const doubting = await w.agent('doubting', { keptMs: 0, staleMs: 0 });
  const path = `/v2/${privateName}/manifests/v1`;
  const token = await login(believing, path, basic);
  const blob = `/v2/${privateName}/blobs/${image.layers[0]}`;
  for (const agent of [believing, doubting])
    for (const wanted of [path, blob]) assert.equal(await statusOf(agent, wanted, token), 200);
  w.fake.misbehave = (_request, reply) => {
    reply.writeHead(503).end();
    return true;
  };
  const still = await believing.get(path, { authorization: token });
  assert.equal(still.status, 200, await still.text());
  assert.equal(await statusOf(believing, blob, token), 200);
  assert.equal(await statusOf(believing, path), 503);
  const answer = await doubting.get(path, { authorization: token });
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /who may read this cannot be found out: .*status 503/);
  assert.ok((await believing.metric('access_checks_total', { outcome: 'stale' })) > 0);
});

test("a cluster's own images go to the users of its origin", async () => {
  const password = 'the password of the origin';
  const token = randomBytes(16).toString('hex');
  await using w = await privateWorld({ auth: 'bearer' }, { auth: { tokens: [token], anonymousPull: false } });
  const push = basicOf('anyone', token);
  const { registry } = w.world.origin.addresses;
  const bytes = randomBytes(1000);
  const digest = digestOfBytes(bytes);
  const origin = `http://127.0.0.1:${registry.port}`;
  const put = await fetch(`${origin}/shoal/v1/namespaces/team/app/blobs/${digest}`, {
    method: 'PUT',
    body: bytes,
    headers: { authorization: push },
  });
  assert.equal(put.status, 201);
  const agent = await w.agent('a');
  const path = `/v2/team/app/blobs/${digest}`;
  const refused = await agent.get(path);
  assert.equal(refused.status, 401);
  const challenge = refused.headers.get('www-authenticate');
  assert.equal(
    challenge,
    `Bearer realm="${agent.url}/shoal/v1/token",service="shoal",scope="repository:team/app:pull"`,
  );
  assert.equal((await tokenFor(challenge, basicOf('anyone', password))).status, 401);
  assert.equal((await tokenFor(challenge)).status, 401);
  const given = await login(agent, path, push);
  assert.equal(await statusOf(agent, path, given), 200);
  assert.equal(await statusOf(agent, `/shoal/v1/namespaces/team/app/blobs/${digest}`, given), 200);
  assert.equal(await statusOf(agent, path, push), 200, 'docker sends the password to registries that ask for it');
  const other = await login(agent, '/v2/team/other/manifests/v1', push);
  for (const credentials of [undefined, 'Bearer made-up', other])
    for (const wanted of [path, '/v2/team/app/tags/list', `/shoal/v1/namespaces/team/app/blobs/${digest}`])
      assert.equal(await statusOf(agent, wanted, credentials), 401, `${wanted} ${credentials}`);
  assert.equal(await statusOf(agent, '/v2/team/app/tags/list', given), 200);
  assert.equal(await statusOf(agent, '/v2/'), 401);
  assert.equal(await statusOf(agent, '/v2/', push), 200);
  const form = new URLSearchParams({
    grant_type: 'password',
    username: 'x',
    password: token,
    scope: 'repository:team/app:pull',
  });
  const posted = await fetch(`${agent.url}/shoal/v1/token`, { method: 'POST', body: form });
  const { access_token } = (await posted.json()) as { access_token: string };
  assert.equal(await statusOf(agent, path, `Bearer ${access_token}`), 200);
});
