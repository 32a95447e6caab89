import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OciError, parseDigest, parseRepositoryName, parseTag, type Digest } from '@shoal/core';
import { DescriptorBook, descriptorsOf } from '../metainfo/descriptor-book.ts';
import type { ResolvedTag } from '../tags/tag-resolver.ts';
import { Manifests } from './manifests.ts';
import { mediaTypeOf } from './media-type.ts';

const repository = parseRepositoryName('team/app');
const digestOf = (digit: string): Digest => parseDigest(`sha256:${digit.repeat(64)}`);
const never = () => new AbortController().signal;
const docker = 'application/vnd.docker.distribution.manifest.v2+json';
const layer = (digit: string) => ({
  digest: digestOf(digit),
  size: 7,
  mediaType: 'application/vnd.oci.image.layer.v1.tar',
});

const world = (contents: Record<Digest, string>, staleBecause?: string) => {
  const passed: Digest[] = [];
  const types = new Map<Digest, string>();
  const manifests = new Manifests({
    directTag: async () => undefined,
    resolveTag: async () =>
      ({
        signed: { record: { digest: digestOf('1'), mediaType: docker, size: 42 } },
        staleBecause,
      }) as unknown as ResolvedTag,
    open: async (_repository, digest) => {
      const content = contents[digest];
      if (content === undefined) throw new OciError('BLOB_UNKNOWN', 'unknown');
      const bytes = Buffer.from(content);
      return {
        size: bytes.length,
        readInto: (buffer, position) => bytes.copy(buffer, 0, position),
        waitFor: async () => {},
        close: () => {},
      };
    },
    find: async () => undefined,
    used: (digest) => contents[digest] !== undefined,
    mediaTypes: {
      mediaType: (digest) => types.get(digest),
      putMediaType: (digest, type) => void types.set(digest, type),
    },
    descriptors: new DescriptorBook(),
    passed: (_repository, blobs) => void passed.push(...blobs),
  });
  return { manifests, passed, types };
};

test('a manifest is byte-exact, with the media type it was pushed with, and its blobs are named', async () => {
  const content = JSON.stringify({ schemaVersion: 2, config: layer('c'), layers: [layer('d'), layer('e')] });
  const { manifests, passed } = world({ [digestOf('1')]: content });
  const served = await manifests.byTag(repository, parseTag('v1'), 'GET', never);
  assert.equal(Buffer.from(served.bytes!).toString(), content);
  assert.equal(served.mediaType, docker, 'what the origin signed for the tag');
  assert.deepEqual(served.headers, {});
  assert.deepEqual(passed, [digestOf('c'), digestOf('d'), digestOf('e')]);
  assert.equal((await manifests.byDigest(repository, digestOf('1'), never)).mediaType, docker, 'kept for the digest');
});

test('HEAD of a tag needs no content, and a stale answer carries a warning', async () => {
  const { manifests } = world({}, 'origin down');
  const head = await manifests.byTag(repository, parseTag('v1'), 'HEAD', never);
  assert.deepEqual([head.digest, head.size, head.bytes], [digestOf('1'), 42, undefined]);
  assert.match(head.headers?.['warning'] ?? '', /^110 /);
});

test('what is unknown, and what is no manifest, is MANIFEST_UNKNOWN', async () => {
  const { manifests } = world({ [digestOf('2')]: 'just a layer' });
  await assert.rejects(manifests.byDigest(repository, digestOf('3'), never), { code: 'MANIFEST_UNKNOWN', status: 404 });
  await assert.rejects(manifests.byDigest(repository, digestOf('2'), never), { code: 'MANIFEST_UNKNOWN', status: 404 });
});

test('a manifest without a media type gets it from its shape', () => {
  assert.equal(mediaTypeOf({ manifests: [] }), 'application/vnd.oci.image.index.v1+json');
  assert.equal(mediaTypeOf({ config: {}, layers: [] }), 'application/vnd.oci.image.manifest.v1+json');
  assert.equal(mediaTypeOf({ mediaType: docker }), docker);
  for (const none of [{}, [], null, 'text', { mediaType: 'two words' }]) assert.equal(mediaTypeOf(none), undefined);
});

test('descriptors: children of an index are manifests, the rest blobs, and nonsense is skipped', () => {
  const index = { manifests: [layer('a'), { digest: 'nonsense', size: 1 }, { digest: digestOf('b'), size: -1 }, null] };
  assert.deepEqual(
    descriptorsOf(index).map(({ digest, role }) => [digest, role]),
    [[digestOf('a'), 'manifest']],
  );
  assert.deepEqual(descriptorsOf(undefined), []);
});

test('what was served is at hand as long as the cache holds it', async () => {
  const content = JSON.stringify({ schemaVersion: 2, config: layer('c'), layers: [layer('d')] });
  const contents: Record<Digest, string> = { [digestOf('1')]: content };
  const { manifests, passed, types } = world(contents);
  assert.equal(manifests.atHand(repository, digestOf('1')), undefined);
  types.set(digestOf('1'), docker);
  const served = await manifests.byDigest(repository, digestOf('1'), never);
  assert.deepEqual(manifests.atHand(repository, digestOf('1')), served);
  assert.deepEqual(
    passed,
    [digestOf('c'), digestOf('d'), digestOf('c'), digestOf('d')],
    'its blobs are named each time',
  );
  delete contents[digestOf('1')];
  assert.equal(manifests.atHand(repository, digestOf('1')), undefined);
  await assert.rejects(manifests.byDigest(repository, digestOf('1'), never), OciError);
});
