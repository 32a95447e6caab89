import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { decodeMetainfo, decodeTagRecord, metainfoStatement, parseAddress, tagStatement } from '@shoal/core';
import { clusterAuth, unsignedBody } from '@shoal/service';
import { sha256, TrustedKeys } from '@shoal/store';
import { type Answer, digestBytes, type RegistryClient } from './testing/registry-client.ts';
import { startOrigin, type TestOrigin } from './testing/test-origin.ts';

const keysOf = async (client: RegistryClient): Promise<TrustedKeys> => {
  const cluster = (await client.call('GET', '/shoal/v1/cluster')).json();
  return new TrustedKeys(cluster.keys);
};

describe('the control API', () => {
  let test: TestOrigin;
  let client: RegistryClient;
  before(async () => {
    test = await startOrigin();
    client = test.client;
  });
  after(() => test[Symbol.asyncDispose]());

  it('describes the cluster', async () => {
    const cluster = (await client.call('GET', '/shoal/v1/cluster')).json();
    assert.deepEqual(Object.keys(cluster).toSorted(), [
      'clusterId',
      'keys',
      'names',
      'peerId',
      'pieceLengthPolicy',
      'piecesAddress',
      'protocolVersion',
      'zone',
    ]);
    assert.deepEqual(parseAddress(cluster.piecesAddress), test.origin.addresses.pieces);
  });

  it('gives signed metainfo of blobs and manifests', async () => {
    const { digest, blobs } = await client.pushImage('ctl/app', 'v1');
    const keys = await keysOf(client);
    for (const content of [digest, ...blobs]) {
      const answer = await client.call('GET', `/shoal/v1/metainfo/${content}?repository=ctl/app`);
      assert.equal(answer.headers['content-type'], 'application/vnd.shoal.metainfo.v1+json');
      const signed = decodeMetainfo(answer.bytes, sha256);
      assert.equal(signed.metainfo.digest, content);
      assert.ok(keys.verify(metainfoStatement(signed.metainfo), signed.signatures));
      const elsewhere = await client.call('GET', `/shoal/v1/metainfo/${content}?repository=ctl/other`);
      assert.equal(elsewhere.status, 404);
    }
    assert.equal(
      (await client.call('GET', `/shoal/v1/metainfo/${digestBytes('x')}?repository=ctl/app`)).code,
      'BLOB_UNKNOWN',
    );
  });

  it('gives signed tag records whose version rises with every push, also after a delete and a restart', async () => {
    await using own = await startOrigin();
    const keys = await keysOf(own.client);
    const record = async (from: RegistryClient) =>
      decodeTagRecord((await from.call('GET', '/shoal/v1/tags/v1?repository=ctl/app')).bytes);
    const { digest, text } = await own.client.pushImage('ctl/app', 'v1');
    const first = await record(own.client);
    assert.deepEqual(
      [first.record.digest, first.record.size, first.record.repository],
      [digest, text.length, 'ctl/app'],
    );
    assert.ok(keys.verify(tagStatement(first.record), first.signatures));
    await own.client.pushManifest('ctl/app', 'v1', text);
    const second = await record(own.client);
    assert.ok(second.record.version > first.record.version);
    await own.client.call('DELETE', '/v2/ctl/app/manifests/v1');
    assert.equal((await own.client.call('GET', '/shoal/v1/tags/v1?repository=ctl/app')).code, 'MANIFEST_UNKNOWN');
    await own.client.pushManifest('ctl/app', 'v1', text);
    const third = await record(own.client);
    assert.ok(third.record.version > second.record.version);
    const again = await own.restart();
    assert.deepEqual(await record(again.client), third);
    assert.deepEqual((await keysOf(again.client)).records, keys.records);
    await again.client.pushManifest('ctl/app', 'v1', text);
    assert.ok((await record(again.client)).record.version > third.record.version);
    await again.origin.stop();
  });

  it('gives the bytes of blobs and manifests, in ranges too', async () => {
    const { text, digest } = await client.pushImage('ctl/content', 'v1');
    const path = `/shoal/v1/content/${digest}?repository=ctl/content`;
    assert.equal((await client.call('GET', path)).bytes.toString(), text);
    const part = await client.call('GET', path, { headers: { range: 'bytes=3-9' } });
    assert.deepEqual([part.status, part.bytes.toString()], [206, text.slice(3, 10)]);
    assert.equal((await client.call('HEAD', path)).headers['content-length'], String(text.length));
    assert.equal((await client.call('GET', path.replace('ctl/content', 'ctl/nowhere'))).status, 404);
  });

  it('wants a repository and well-formed values', async () => {
    for (const path of [
      `/shoal/v1/metainfo/${digestBytes('x')}`,
      `/shoal/v1/metainfo/sha256:bad?repository=a`,
      `/shoal/v1/tags/-bad?repository=a`,
      `/shoal/v1/content/${digestBytes('x')}?repository=../a`,
    ]) {
      assert.equal((await client.call('GET', path)).status, 400, path);
    }
    assert.equal((await client.call('GET', '/shoal/v1/unknown')).status, 404);
  });

  it('uploads, downloads, stats and deletes generic blobs', async () => {
    const bytes = randomBytes(200_000);
    const path = `/shoal/v1/namespaces/models/llm/blobs/${digestBytes(bytes)}`;
    assert.equal((await client.call('HEAD', path)).status, 404);
    assert.equal((await client.call('PUT', path, { body: 'something else' })).code, 'DIGEST_INVALID');
    assert.equal((await client.call('HEAD', path)).status, 404);
    assert.equal((await client.call('PUT', path, { body: bytes })).status, 201);
    assert.equal((await client.call('HEAD', path)).headers['content-length'], '200000');
    assert.deepEqual((await client.call('GET', path)).bytes, bytes);
    assert.equal((await client.call('GET', path, { headers: { range: 'bytes=-10' } })).status, 206);
    assert.equal((await client.call('DELETE', path)).status, 204);
    assert.equal((await client.call('GET', path)).status, 404);
    assert.equal((await client.call('DELETE', path)).status, 404);
    for (const bad of [
      '/shoal/v1/namespaces/models',
      '/shoal/v1/namespaces/UP/blobs/sha256:x',
      '/shoal/v1/namespaces/a/../b/blobs/x',
    ]) {
      assert.ok([400, 404].includes((await client.call('GET', bad)).status), bad);
    }
  });
});

describe('the control API with a cluster secret', () => {
  const secret = 'a secret of the cluster';
  const auth = clusterAuth(secret);
  let test: TestOrigin;
  before(async () => {
    test = await startOrigin({ cluster: { secret }, auth: { tokens: ['a-token-of-some-length'] } });
  });
  after(() => test[Symbol.asyncDispose]());

  const signed = async (
    method: string,
    path: string,
    options: { body?: Uint8Array; by?: typeof auth } = {},
  ): Promise<Answer & { nonce: string }> => {
    const headers = (options.by ?? auth).signHeaders({ method, path, body: options.body ? unsignedBody : undefined });
    return {
      ...(await test.client.call(method, path, { headers, body: options.body })),
      nonce: headers['shoal-nonce'] ?? '',
    };
  };

  it('answers who holds the secret, and proves that it does', async () => {
    const bytes = randomBytes(1000);
    const blob = `/shoal/v1/namespaces/sec/blobs/${digestBytes(bytes)}`;
    for (const [method, path, status] of [
      ['GET', '/shoal/v1/cluster', 200],
      ['PUT', blob, 201],
      ['GET', blob, 200],
      ['HEAD', blob, 200],
      ['GET', `/shoal/v1/content/${digestBytes(bytes)}?repository=sec`, 200],
      ['GET', `/shoal/v1/metainfo/${digestBytes(bytes)}?repository=sec`, 200],
      ['GET', '/shoal/v1/tags/v1?repository=sec', 404],
    ] as const) {
      const answer = await signed(method, path, method === 'PUT' ? { body: bytes } : {});
      assert.equal(answer.status, status, `${method} ${path}`);
      auth.verifyAnswer(answer);
    }
  });

  it('answers 401 to everybody else', async () => {
    const stranger = clusterAuth('another secret of them');
    for (const path of [
      '/shoal/v1/cluster',
      '/shoal/v1/tags/v1?repository=sec',
      `/shoal/v1/content/${digestBytes('x')}?repository=sec`,
    ]) {
      assert.equal((await test.client.call('GET', path)).status, 401);
      assert.equal((await signed('GET', path, { by: stranger })).status, 401);
    }
    assert.equal(
      (await test.client.call('PUT', `/shoal/v1/namespaces/sec/blobs/${digestBytes('x')}`, { body: 'x' })).status,
      401,
    );
    assert.equal((await test.client.call('GET', '/v2/sec/tags/list')).status, 200);
  });
});
