import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ShoalError } from '@shoal/core';
import fc from 'fast-check';
import { parseRegistryRoute } from './routes.ts';

const hex = 'a'.repeat(64);
const digest = `sha256:${hex}`;

describe('parseRegistryRoute', () => {
  const tag = (name: string) => ({ kind: 'tag', tag: name });
  for (const [path, route] of [
    ['/v2', { kind: 'base' }],
    ['/v2/', { kind: 'base' }],
    ['/v2/?account=me', { kind: 'base' }],
    ['/v2/team/app/manifests/v1?ns=docker.io', { kind: 'manifest', repository: 'team/app', reference: tag('v1') }],
    [
      `/v2/app/manifests/sha256%3A${hex}`,
      { kind: 'manifest', repository: 'app', reference: { kind: 'digest', digest } },
    ],
    [`/v2/a/b/c/d/blobs/${digest}`, { kind: 'blob', repository: 'a/b/c/d', digest }],
    ['/v2/app/blobs/uploads/', { kind: 'uploads', repository: 'app' }],
    ['/v2/app/blobs/uploads', { kind: 'uploads', repository: 'app' }],
    ['/v2/app/blobs/uploads/0a-1_B', { kind: 'upload', repository: 'app', id: '0a-1_B' }],
    ['/v2/app/tags/list?n=3', { kind: 'tags', repository: 'app' }],
    [`/v2/app/referrers/${digest}`, { kind: 'referrers', repository: 'app', digest }],
    [
      '/v2/blobs/uploads/manifests/manifests/v1',
      { kind: 'manifest', repository: 'blobs/uploads/manifests', reference: tag('v1') },
    ],
    ['/v2/tags/tags/list', { kind: 'tags', repository: 'tags' }],
    ['/v2/manifests/blobs/uploads/', { kind: 'uploads', repository: 'manifests' }],
  ] as const) {
    it(path, () => assert.deepEqual(parseRegistryRoute(path), route));
  }

  for (const [path, code] of [
    ['/v2/UPPER/manifests/v1', 'NAME_INVALID'],
    ['/v2/../../etc/manifests/v1', 'NAME_INVALID'],
    ['/v2/a/%2e%2e/b/manifests/v1', 'NAME_INVALID'],
    ['/v2/team%2Fapp/manifests/v1', 'NAME_INVALID'],
    ['/v2/a//b/manifests/v1', 'NAME_INVALID'],
    ['/v2/a%00/manifests/v1', 'NAME_INVALID'],
    ['/v2/a/manifests/%zz', 'NAME_INVALID'],
    [`/v2/${'a'.repeat(300)}/manifests/v1`, 'NAME_INVALID'],
    ['/v2/app/manifests/-tag', 'MANIFEST_INVALID'],
    ['/v2/app/manifests/%252e', 'MANIFEST_INVALID'],
    ['/v2/app/manifests/sha256:short', 'DIGEST_INVALID'],
    ['/v2/app/blobs/md5:abc', 'DIGEST_INVALID'],
    ['/v2/app/referrers/nothing', 'DIGEST_INVALID'],
    ['/v2/app/blobs/uploads/%2e%2e', 'BLOB_UPLOAD_UNKNOWN'],
    ['/v2/app', 'NAME_UNKNOWN'],
    ['/v2/app/tags/other', 'NAME_UNKNOWN'],
    ['/other', 'NAME_UNKNOWN'],
  ] as const) {
    it(`${path.slice(0, 60)} is ${code}`, () => assert.throws(() => parseRegistryRoute(path), { code }));
  }

  it('answers any path with a route or a named error', () => {
    const words = fc.constantFrom(
      'v2',
      'blobs',
      'uploads',
      'manifests',
      'tags',
      'list',
      'referrers',
      '..',
      '%2f',
      '%',
      '',
      'app',
      digest,
    );
    const path = fc.array(fc.oneof(words, fc.string())).map((parts) => `/v2/${parts.join('/')}`);
    fc.assert(
      fc.property(path, (text) => {
        try {
          const route = parseRegistryRoute(text);
          return !('repository' in route) || !route.repository.includes('..');
        } catch (error) {
          return error instanceof ShoalError && error.status < 500;
        }
      }),
    );
  });
});
