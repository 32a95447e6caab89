/** What the OCI conformance suite asks about manifests, tags and referrers, kind of content by kind of content. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Answer, RegistryClient } from '../../services/origin/src/testing/registry-client.ts';
import { testCluster, type TestCluster } from '../support/cluster.ts';
import { type Content, contents, Maker, type Manifest } from './content.ts';

const rows: ReadonlyMap<string, () => Content> = new Map([
  ...Object.entries(contents).map(([name, fill]) => [name, () => made(fill)] as const),
  ['SHA-512', () => made((m) => m.index(), 'sha512')],
  ['tags as parameters', () => ({ ...made((m) => m.index(['a', 'b', 'c'])), byParameter: true })],
  ['tags as parameters, SHA-512', () => ({ ...made((m) => m.index(['a', 'b', 'c']), 'sha512'), byParameter: true })],
]);

const made = (fill: (make: Maker) => object | void, algorithm: 'sha256' | 'sha512' = 'sha256'): Content => {
  const make = new Maker(algorithm);
  fill(make);
  return make;
};

let started: TestCluster;
let origin: RegistryClient;
let agent: RegistryClient;

before(async () => {
  started = await testCluster({ agents: 1, overrides: { origin: { manifests: { sparse: true } } } });
  origin = new RegistryClient(started.cluster.origin.url);
  agent = new RegistryClient(started.cluster.agents[0]!.url);
});
after(() => started[Symbol.asyncDispose]());

/** How a manifest is pushed: by its digest and once a tag, or with all its tags in the query. */
const pushesOf = ({ tags, digest }: Manifest, byParameter: boolean): { reference: string; query: string }[] => {
  const all = byParameter ? `?${tags.map((each) => `tag=${each}`).join('&')}` : '';
  return [
    { reference: digest, query: all },
    ...(byParameter ? [] : tags.map((reference) => ({ reference, query: '' }))),
  ];
};

const push = async (repository: string, { blobs, manifests, algorithm, byParameter = false }: Content) => {
  for (const bytes of blobs) await origin.pushBlob(repository, bytes, algorithm);
  for (const manifest of manifests) {
    for (const { reference, query } of pushesOf(manifest, byParameter)) {
      const answer = await origin.pushManifest(repository, reference + query, manifest.text, manifest.mediaType);
      assert.equal(answer.status, 201, answer.bytes.toString());
      assert.equal(answer.headers['oci-subject'], manifest.subject);
      if (query.length > 1) assert.deepEqual([answer.headers['oci-tag']].flat().join(',').split(/, ?/), manifest.tags);
    }
  }
};

const read = async (client: RegistryClient, repository: string, { blobs, manifests, algorithm }: Content) => {
  const make = new Maker(algorithm);
  for (const { text, digest, mediaType, tags } of manifests)
    for (const reference of [digest, ...tags])
      for (const method of ['HEAD', 'GET'])
        same(await client.call(method, `/v2/${repository}/manifests/${reference}`), method, text, digest, mediaType);
  for (const bytes of blobs)
    for (const method of ['HEAD', 'GET']) {
      const { digest } = make.describe(bytes, '');
      const answer = await client.call(method, `/v2/${repository}/blobs/${digest}`);
      same(answer, method, bytes, digest, 'application/octet-stream');
    }
};

const same = (
  { status, headers, bytes }: Answer,
  method: string,
  sent: Buffer | string,
  digest: string,
  type: string,
) => {
  assert.equal(status, 200);
  assert.deepEqual([headers['docker-content-digest'], headers['content-type']], [digest, type]);
  assert.equal(headers['content-length'], String(Buffer.byteLength(sent)));
  assert.ok(bytes.equals(method === 'HEAD' ? Buffer.alloc(0) : Buffer.from(sent)), 'the bytes that were pushed');
};

const lists = async (client: RegistryClient, repository: string, { manifests }: Content) => {
  const tags = manifests.flatMap((manifest) => manifest.tags).toSorted();
  assert.deepEqual((await client.call('GET', `/v2/${repository}/tags/list`)).json().tags, tags);
  for (const subject of new Set(manifests.flatMap((manifest) => manifest.subject ?? []))) {
    const answer = await client.call('GET', `/v2/${repository}/referrers/${subject}`);
    assert.equal(answer.headers['content-type'], 'application/vnd.oci.image.index.v1+json');
    const expected = manifests.filter((manifest) => manifest.subject === subject).map(referrer);
    const byDigest = (one: { digest: string }, other: { digest: string }): number =>
      one.digest < other.digest ? -1 : 1;
    assert.deepEqual(answer.json().manifests.toSorted(byDigest), expected.toSorted(byDigest));
    const one = expected[0]!.artifactType;
    const filtered = await client.call('GET', `/v2/${repository}/referrers/${subject}?artifactType=${one}`);
    const ofType = expected.filter(({ artifactType }) => artifactType === one);
    assert.deepEqual(filtered.json().manifests.toSorted(byDigest), ofType.toSorted(byDigest));
  }
};

/** What lists of referrers have of a manifest. */
const referrer = ({ text, digest, mediaType }: Manifest) => {
  const { artifactType, config, annotations } = JSON.parse(text) as {
    artifactType?: string;
    config?: { mediaType: string };
    annotations?: object;
  };
  const type = artifactType ?? config?.mediaType;
  return {
    ...{ mediaType, digest, size: Buffer.byteLength(text) },
    ...(type !== undefined && { artifactType: type }),
    ...(annotations && { annotations }),
  };
};

const remove = async (repository: string, { blobs, manifests, algorithm }: Content) => {
  const gone = async (path: string): Promise<void> => {
    assert.equal((await origin.call('DELETE', `/v2/${repository}/${path}`)).status, 202, path);
    assert.equal((await origin.call('HEAD', `/v2/${repository}/${path}`)).status, 404, path);
  };
  for (const { tags } of manifests) for (const each of tags) await gone(`manifests/${each}`);
  for (const { digest } of manifests.toReversed()) await gone(`manifests/${digest}`);
  const make = new Maker(algorithm);
  for (const digest of new Set(blobs.map((bytes) => make.describe(bytes, '').digest))) await gone(`blobs/${digest}`);
  assert.deepEqual((await origin.call('GET', `/v2/${repository}/tags/list`)).json().tags, []);
};

for (const [name, content] of rows)
  describe(name, () => {
    const repository = `conformance/${[...rows.keys()].indexOf(name)}`;
    let pushed: Content;
    before(async () => {
      pushed = content();
      await push(repository, pushed);
    });
    for (const [whom, client] of [
      ['origin', () => origin],
      ['agent', () => agent],
    ] as const)
      it(`is read at the ${whom} as it was pushed`, async () => {
        await read(client(), repository, pushed);
        await lists(client(), repository, pushed);
      });
    it('is deleted', () => remove(repository, pushed));
  });

describe('what is not there, or no name', () => {
  it('is refused in the same way by origin and agent', async () => {
    await push(
      'conformance/some',
      made((m) => m.image(['v1'])),
    );
    const none = `sha256:${'0'.repeat(64)}`;
    for (const client of [origin, agent]) {
      assert.equal((await client.call('GET', '/v2/')).status, 200);
      for (const path of ['manifests/none', `manifests/${none}`, `blobs/${none}`])
        for (const method of ['GET', 'HEAD'])
          assert.equal((await client.call(method, `/v2/conformance/some/${path}`)).status, 404, path);
      for (const path of ['manifests', 'blobs', 'referrers']) {
        const { status } = await client.call('GET', `/v2/conformance/some/${path}/sha256:baddigeststring`);
        assert.ok(status === 400 || status === 404, `${path}: ${status}`);
      }
      const referrers = await client.call('GET', `/v2/conformance/never/referrers/${none}`);
      assert.deepEqual([referrers.status, referrers.json().manifests], [200, []]);
      assert.equal((await client.call('GET', '/v2/conformance/never/tags/list')).status, 404);
    }
  });

  it('is not made by a manifest with another digest', async () => {
    const [manifest] = made((m) => m.image()).manifests;
    for (const reference of [`sha256:${'0'.repeat(64)}`, 'sha256:baddigeststring', `sha512:${'0'.repeat(128)}`])
      assert.equal((await origin.pushManifest('conformance/some', reference, manifest!.text)).status, 400, reference);
  });
});

it('lists tags in pages, from a tag on, and none', async () => {
  await push(
    'conformance/tags',
    made((m) => m.image(['a', 'b', 'c', 'd'])),
  );
  for (const client of [origin, agent])
    for (const [query, tags, more] of [
      ['?n=2', ['a', 'b'], true],
      ['?n=2&last=b', ['c', 'd'], false],
      ['?last=b', ['c', 'd'], false],
      ['?n=0', [], false],
    ] as const) {
      const answer = await client.call('GET', `/v2/conformance/tags/tags/list${query}`);
      assert.deepEqual([answer.status, answer.json().tags, 'link' in answer.headers], [200, tags, more], query);
    }
});
