import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import { clientOf, collect, digest, forever, name, reference } from './testing/client.ts';

const repository = name('team/app');

test('manifests of every type pass byte for byte', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake);
  const types = [
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.example.thing+json',
  ];
  for (const [index, mediaType] of types.entries()) {
    const text = `{ "schemaVersion":2,\n "unknown": "é", "number": ${index}.0 }`;
    const made = fake.addManifest('team/app', `t${index}`, text, mediaType);
    const manifest = await client.upstream.manifest(repository, reference(`t${index}`));
    assert.deepEqual(
      [Buffer.from(manifest.bytes).toString(), manifest.mediaType, manifest.digest],
      [text, mediaType, made],
    );
    assert.equal(await client.upstream.tagDigest(repository, `t${index}`), made);
  }
});

test('a registry that names no type of a manifest leaves it to the manifest', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake);
  const typeOf = async (text: string, sent: string) => {
    fake.addManifest('team/app', '1', text, sent);
    return (await client.upstream.manifest(repository, reference('1'))).mediaType;
  };
  const index = 'application/vnd.oci.image.index.v1+json';
  const image = 'application/vnd.oci.image.manifest.v1+json';
  const docker = 'application/vnd.docker.distribution.manifest.v2+json';
  assert.equal(await typeOf(`{"schemaVersion":2,"mediaType":"${docker}"}`, 'application/json'), docker);
  assert.equal(await typeOf('{"schemaVersion":2,"manifests":[]}', 'application/octet-stream'), index);
  assert.equal(await typeOf('{"schemaVersion":2,"layers":[]}', 'text/plain; charset=utf-8'), image);
  assert.equal(await typeOf('{"schemaVersion":2,"mediaType":7}', `${docker}; charset=utf-8`), docker);
});

test('a registry that does not answer HEAD has to be asked by GET', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake);
  fake.addImage('team/app', '1', [1]);
  fake.misbehave = ({ method }, reply) => {
    if (method === 'HEAD') reply.writeHead(405).end();
    return method === 'HEAD';
  };
  assert.equal(await client.upstream.tagDigest(repository, '1'), undefined);
});

test('a manifest that is too large, of schema 1, no JSON, or not what its digest says is refused', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake, { manifestBytesMax: 1000 });
  const refused = async (tag: string, pattern: RegExp) =>
    assert.rejects(client.upstream.manifest(repository, reference(tag)), (error: Error) => pattern.test(error.message));
  fake.addManifest('team/app', 'large', JSON.stringify({ filler: 'x'.repeat(1000) }));
  await refused('large', /larger than 1000 bytes/);
  fake.addManifest(
    'team/app',
    'old',
    '{"schemaVersion":1}',
    'application/vnd.docker.distribution.manifest.v1+prettyjws',
  );
  await refused('old', /schema 1, which is not supported/);
  fake.addManifest('team/app', 'unnamed', '{"schemaVersion":1}', 'application/json');
  await refused('unnamed', /schema 1/);
  fake.addManifest('team/app', 'text', 'no JSON');
  await refused('text', /no JSON object/);
  const made = fake.addManifest('team/app', 'forged', '{"schemaVersion":2}');
  fake.manifests.set(made, {
    mediaType: 'application/vnd.example+json',
    bytes: Buffer.from('{"schemaVersion":2,"x":1}'),
  });
  await refused('forged', /instead of sha256:/);
  await refused(made, /instead of sha256:/);
});

test('redirects to object storage are followed without the Authorization header', async () => {
  await using fake = await FakeUpstream.start({ auth: 'bearer', redirects: true });
  await using client = clientOf(fake);
  const bytes = randomBytes(300_000);
  const blob = await client.upstream.blob(repository, digest(fake.addBlob(bytes)), 0, forever);
  assert.equal(blob.size, bytes.length);
  assert.deepEqual(await collect(blob.chunks), bytes);
  assert.equal(fake.storage.authorizationSeen, 0);
  assert.equal(fake.storage.log.length, 1);
});

test('a body that breaks off goes on by Range at a new URL', async () => {
  await using fake = await FakeUpstream.start({ auth: 'bearer', redirects: true });
  await using client = clientOf(fake);
  const bytes = randomBytes(300_000);
  const wanted = digest(fake.addBlob(bytes));
  fake.storage.truncations = [100_000];
  const parts: Buffer[] = [];
  const take = async (offset: number): Promise<void> => {
    const { size, chunks } = await client.upstream.blob(repository, wanted, offset, forever);
    assert.equal(size, bytes.length);
    for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  };
  await assert.rejects(take(0), { code: 'UPSTREAM_UNREACHABLE' });
  const received = Buffer.concat(parts).length;
  assert.ok(received > 0 && received <= 100_000);
  await take(received);
  assert.deepEqual(Buffer.concat(parts), bytes);
  assert.deepEqual(
    fake.storage.log.map(({ range }) => range),
    [undefined, `bytes=${received}-`],
  );
});

test('after an expired URL who tries again gets another one from the registry', async () => {
  await using fake = await FakeUpstream.start({ redirects: true });
  await using client = clientOf(fake);
  const bytes = randomBytes(1000);
  const wanted = fake.addBlob(bytes);
  let stale = 1;
  fake.misbehave = (_request, reply) => {
    if (stale-- <= 0) return false;
    const expired = fake.storage.presigned('x', bytes).replace(/signature=.*/, 'signature=expired');
    reply.writeHead(302, { location: expired }).end();
    return true;
  };
  const ask = () => client.upstream.blob(repository, digest(wanted), 0, forever);
  await assert.rejects(ask(), { code: 'UPSTREAM_UNREACHABLE' });
  assert.deepEqual(await collect((await ask()).chunks), bytes);
  assert.equal(fake.asked('GET', '/blobs/'), 2);
});

test('a registry without Range sends all, and what is known passes by; a wrong range is refused', async () => {
  await using fake = await FakeUpstream.start();
  await using client = clientOf(fake);
  const bytes = randomBytes(5000);
  const wanted = digest(fake.addBlob(bytes));
  fake.misbehave = (_request, reply) => {
    reply.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    return true;
  };
  const { chunks, size } = await client.upstream.blob(repository, wanted, 4000, forever);
  assert.deepEqual(await collect(chunks), bytes.subarray(4000));
  assert.equal(size, 5000);
  fake.misbehave = (_request, reply) => {
    reply.writeHead(206, { 'content-range': 'bytes 0-999/5000' }).end(bytes.subarray(0, 1000));
    return true;
  };
  await assert.rejects(client.upstream.blob(repository, wanted, 4000, forever), /asked for bytes from 4000 on/);
});

test('redirects to another scheme, to a login and in circles are refused', async () => {
  await using fake = await FakeUpstream.start({ tls: true });
  await using client = clientOf(fake, { ca: true });
  const redirectTo = (location: string) => {
    fake.misbehave = (_request, reply) => {
      reply.writeHead(307, { location }).end();
      return true;
    };
  };
  const wanted = digest(`sha256:${'0'.repeat(64)}`);
  const get = () => client.upstream.blob(repository, wanted, 0, forever);
  for (const target of [
    'http://127.0.0.1:1/x',
    'file:///etc/passwd',
    'data:,x',
    'ftp://x/y',
    'https://user:pw@127.0.0.1/',
  ]) {
    redirectTo(target);
    await assert.rejects(
      get(),
      (error: Error) => /redirect to .* is not allowed/.test(error.message) && !/pw|passwd/.test(error.message),
    );
  }
  redirectTo('/v2/again');
  await assert.rejects(get(), /more than 5 redirects/);
});
