import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import { clientOf, name, reference } from './testing/client.ts';

const repository = name('team/app');
const hurried = { hurried: true };

test('429 and 5xx are tried again after the time that the registry names', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake);
  fake.addImage('team/app', '1', [10]);
  const refusals = [429, 503];
  fake.misbehave = (_request, reply) => {
    const status = refusals.shift();
    if (status !== undefined) reply.writeHead(status, { 'retry-after': '0' }).end();
    return status !== undefined;
  };
  await client.upstream.manifest(repository, reference('1'));
  assert.deepEqual(
    fake.log.map(({ status }) => status),
    [429, 503, 200],
  );
});

test('a registry that wants a long rest gets it: nobody asks before', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake);
  fake.addImage('team/app', '1', [10]);
  let limited = true;
  fake.misbehave = (_request, reply) => {
    if (limited) reply.writeHead(429, { 'retry-after': '60' }).end();
    return limited;
  };
  const pull = () => client.upstream.manifest(repository, reference('1'));
  await assert.rejects(pull(), { code: 'UPSTREAM_LIMITED', status: 502 });
  limited = false;
  await assert.rejects(pull(), { code: 'UPSTREAM_LIMITED' });
  assert.equal(fake.log.length, 1);
  client.time.nowMs = 60_000;
  await pull();
});

test('who has another answer asks once, and not at all while the registry is known to be down', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake);
  fake.addImage('team/app', '1', [10]);
  let down = true;
  fake.misbehave = (_request, reply) => {
    if (down) reply.writeHead(500).end();
    return down;
  };
  await assert.rejects(client.upstream.tagDigest(repository, '1', hurried), { code: 'UPSTREAM_UNREACHABLE' });
  await assert.rejects(client.upstream.tagDigest(repository, '1', hurried), { code: 'UPSTREAM_UNREACHABLE' });
  assert.equal(fake.log.length, 1);
  down = false;
  await client.upstream.manifest(repository, reference('1'));
  await client.upstream.tagDigest(repository, '1', hurried);
  assert.equal(fake.log.length, 3, 'one that answered is up again');
});

test('a registry that says nothing fails within the deadline of a hurried question', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake);
  fake.misbehave = () => true;
  await assert.rejects(client.upstream.tagDigest(repository, '1', hurried), {
    code: 'UPSTREAM_UNREACHABLE',
  });
});

test('mirrors come first; what they do not have or cannot say comes from the registry', async () => {
  await using fake = await FakeUpstream.start();
  await using mirror = await FakeUpstream.start();
  const gone = await FakeUpstream.start();
  await gone[Symbol.asyncDispose]();
  await using client = clientOf(fake, { mirrors: [gone.url, mirror.url] });
  const { digest } = fake.addImage('team/app', '1', [10]);
  assert.equal((await client.upstream.manifest(repository, reference('1'))).digest, digest);
  assert.deepEqual([mirror.log.length, fake.log.length], [1, 1]);
  mirror.addImage('team/app', '1', [10]);
  await client.upstream.manifest(repository, reference('1'));
  assert.deepEqual([mirror.log.length, fake.log.length], [2, 1]);
  await assert.rejects(client.upstream.manifest(repository, reference('2')), { code: 'UPSTREAM_ABSENT', status: 404 });
});

test('rate limits are told', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake);
  fake.addImage('team/app', '1', [10]);
  fake.headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '99;w=21600' };
  await client.upstream.manifest(repository, reference('1'));
  assert.deepEqual(client.limits, [{ limit: 100, remaining: 99 }]);
});

test('a rate limit without a time is one all the same: whoever tries again does not add to it', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake);
  fake.addImage('team/app', '1', [10]);
  fake.misbehave = (_request, reply) => {
    reply.writeHead(429).end();
    return true;
  };
  const pull = () => client.upstream.manifest(repository, reference('1'));
  for (let round = 0; round < 3; round++) await assert.rejects(pull(), { code: 'UPSTREAM_LIMITED' });
  assert.equal(fake.log.length, 3, 'three attempts of the first');
  fake.misbehave = undefined;
  client.time.nowMs += 5_000;
  await pull();
});
