import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDigest, parseManifestReference, parseRepositoryName } from '@shoal/core';
import { Endpoint, fixedCredential, type ReadClient } from '@shoal/registry';
import { FakeUpstream, type FakeUpstreamOptions } from '../../../../test/support/upstream/fake-upstream.ts';
import { Authority } from './authority.ts';
import { AccessGate, type AccessOutcome } from './gate.ts';

const host = 'up.example.com';
const user = { name: 'alice', password: 'secret' };
const basic = `Basic ${Buffer.from('alice:secret').toString('base64')}`;
const secret = parseRepositoryName(`${host}/private/app`);
const open = parseRepositoryName(`${host}/public/app`);
const v1 = parseManifestReference('v1');
const client = (authorization?: string): ReadClient => ({ authorization, reachedAt: 'http://localhost:7020' });

/** A gate before a registry with a private and a public repository, and with a clock of its own. */
const world = async (options: FakeUpstreamOptions = { auth: 'bearer' }) => {
  const fake = await FakeUpstream.start({ user, separate: true, ...options });
  const image = fake.addImage('private/app', 'v1', [100, 100]);
  const publicImage = fake.addImage('public/app', 'v1', [100]);
  const time = { nowMs: 0 };
  const clock = (): number => time.nowMs;
  const endpoint = new Endpoint({
    url: new URL(fake.url),
    insecure: true,
    credentials: fixedCredential(undefined),
    deadlines: { connectMs: 20_000, answerMs: 20_000, stallMs: 20_000 },
    clock,
    events: { answered: () => {}, rateLimit: () => {} },
  });
  const authority = new Authority({ host, endpoints: [endpoint], tokensBy: [], deadlineMs: 20_000, clock });
  const outcomes: AccessOutcome[] = [];
  const gate = new AccessGate({
    own: authority,
    others: new Map([[host, authority]]),
    keptMs: 1000,
    staleMs: 10_000,
    clock,
    checked: (outcome) => void outcomes.push(outcome),
  });
  const token = async (repository: string, login?: string): Promise<string> => {
    const url = `${fake.tokens.realm}?service=fake&scope=repository:${repository}:pull`;
    const answer = await fetch(url, { headers: login === undefined ? {} : { authorization: login } });
    return `Bearer ${((await answer.json()) as { token: string }).token}`;
  };
  const down = (): void => {
    fake.misbehave = (_request, reply) => {
      reply.writeHead(503).end();
      return true;
    };
  };
  const dispose = async (): Promise<void> => {
    await authority.close();
    await fake[Symbol.asyncDispose]();
  };
  return { fake, image, publicImage, gate, time, outcomes, token, down, [Symbol.asyncDispose]: dispose };
};

const refused = { status: 401, code: 'UNAUTHORIZED' };

test('a private repository opens with a token for it, and with nothing else', async () => {
  await using w = await world();
  const challenges = [`Bearer realm="${w.fake.tokens.realm}",service="fake",scope="repository:private/app:pull"`];
  await assert.rejects(w.gate.manifest(secret, v1, client()), { ...refused, challenges });
  await assert.rejects(w.gate.manifest(secret, v1, client('Bearer made-up')), { ...refused, challenges });
  await assert.rejects(w.gate.manifest(secret, v1, client(basic)), refused);
  await assert.rejects(w.gate.manifest(secret, v1, client(await w.token('private/app'))), refused, 'of nobody');
  await assert.rejects(w.gate.manifest(secret, v1, client(await w.token('private/other', basic))), refused);
  const granted = await w.gate.manifest(secret, v1, client(await w.token('private/app', basic)));
  assert.equal(granted.digest, w.image.digest);
});

test('what is given to anybody by an anonymous token needs no credentials', async () => {
  await using w = await world();
  assert.equal((await w.gate.manifest(open, v1, client())).digest, w.publicImage.digest);
  await w.gate.blob(open, parseDigest(w.publicImage.layers[0]!), client(), 'referred');
  await w.gate.lists(open, client());
  await assert.rejects(w.gate.lists(secret, client()), refused);
});

test('a blob is asked for where no manifest made it part of the repository', async () => {
  await using w = await world();
  const [first, second] = w.image.layers.map((layer) => parseDigest(layer));
  const alice = client(await w.token('private/app', basic));
  const granted = await w.gate.manifest(secret, v1, alice);
  w.gate.given(secret, alice, granted, parseDigest(w.image.digest), [first!]);
  await w.gate.blob(secret, first!, alice, 'referred');
  assert.equal(w.fake.asked('HEAD', '/blobs/'), 0);
  await w.gate.blob(secret, second!, alice, 'referred');
  assert.equal(w.fake.asked('HEAD', '/blobs/'), 1);
  await assert.rejects(
    w.gate.blob(secret, first!, client(), 'referred'),
    refused,
    'what one client was given is for that one',
  );
  await w.gate.blob(secret, first!, alice, 'exact');
  assert.equal(w.fake.asked('HEAD', '/blobs/'), 2);
  const elsewhere = parseDigest(w.publicImage.layers[0]!);
  await assert.rejects(w.gate.blob(secret, elsewhere, alice, 'referred'), { status: 404, code: 'BLOB_UNKNOWN' });
  const digest = parseManifestReference(w.publicImage.digest);
  await assert.rejects(w.gate.manifest(secret, digest, alice), { status: 404, code: 'MANIFEST_UNKNOWN' });
});

test('a positive answer is believed for a while, then the registry is asked again', async () => {
  await using w = await world();
  const alice = client(await w.token('private/app', basic));
  for (let request = 0; request < 5; request++) await w.gate.manifest(secret, v1, alice);
  assert.equal(w.fake.asked('HEAD', '/manifests/v1'), 1);
  w.fake.tokens.revokeAll();
  w.time.nowMs = 999;
  await w.gate.manifest(secret, v1, alice);
  w.time.nowMs = 1000;
  await assert.rejects(w.gate.manifest(secret, v1, alice), refused);
  w.down();
  await assert.rejects(w.gate.manifest(secret, v1, alice), { status: 503 }, 'a refusal ends what was known');
});

test('with the registry down what was granted lately goes on, for so long, and nothing else does', async () => {
  await using w = await world();
  const alice = client(await w.token('private/app', basic));
  await w.gate.manifest(secret, v1, alice);
  await w.gate.manifest(open, v1, client());
  w.down();
  w.time.nowMs = 9999;
  assert.equal((await w.gate.manifest(secret, v1, alice)).digest, w.image.digest);
  assert.equal((await w.gate.manifest(open, v1, client())).digest, w.publicImage.digest);
  const unavailable = { status: 503, code: 'UNAVAILABLE', message: /who may read this cannot be found out/ };
  await assert.rejects(w.gate.manifest(secret, v1, client()), unavailable);
  await assert.rejects(w.gate.manifest(secret, v1, client(await w.token('private/app', basic))), unavailable);
  await assert.rejects(w.gate.blob(secret, parseDigest(w.image.layers[0]!), alice, 'referred'), unavailable);
  await assert.rejects(w.gate.base(host, client()), unavailable);
  w.time.nowMs = 10_000;
  await assert.rejects(w.gate.manifest(secret, v1, alice), unavailable);
  assert.deepEqual(new Set(w.outcomes), new Set(['granted', 'stale', 'unavailable']));
});

test('a limit on requests is an outage, not a refusal', async () => {
  await using w = await world();
  const alice = client(await w.token('private/app', basic));
  await w.gate.manifest(secret, v1, alice);
  w.fake.misbehave = (_request, reply) => {
    reply.writeHead(429).end();
    return true;
  };
  w.time.nowMs = 5000;
  await w.gate.manifest(secret, v1, alice);
  await assert.rejects(w.gate.manifest(secret, v1, client('Bearer other')), { status: 503 });
});

test('with the token server down the challenge is still for the client', async () => {
  await using w = await world();
  await w.gate.manifest(open, v1, client());
  await w.fake.tokens[Symbol.asyncDispose]();
  w.fake.tokens.revokeAll();
  await assert.rejects(w.gate.manifest(secret, v1, client()), refused);
  w.time.nowMs = 5000;
  await w.gate.manifest(open, v1, client());
});

test('blobs behind a redirect are granted by the storage that has them, which never sees the credentials', async () => {
  await using w = await world({ auth: 'basic', redirects: true });
  const alice = client(basic);
  await w.gate.blob(secret, parseDigest(w.image.layers[0]!), alice, 'referred');
  w.fake.misbehave = (_request, reply) => {
    reply.writeHead(307, { location: `${w.fake.tokens.realm}/nothing` }).end();
    return true;
  };
  await assert.rejects(w.gate.blob(secret, parseDigest(w.image.layers[1]!), alice, 'referred'), { status: 503 });
  assert.equal(w.fake.storage.authorizationSeen, 0);
});

test('a crowd with the same credentials asks once', async () => {
  await using w = await world();
  const alice = client(await w.token('private/app', basic));
  await Promise.all(Array.from({ length: 20 }, () => w.gate.manifest(secret, v1, alice)));
  assert.equal(w.fake.asked('HEAD', '/manifests/v1'), 1);
});

test('a registry that nobody can be asked about is none', async () => {
  await using w = await world();
  const name = parseRepositoryName('other.example.com/private/app');
  await assert.rejects(w.gate.manifest(name, v1, client(basic)), { status: 404, code: 'NAME_UNKNOWN' });
});
