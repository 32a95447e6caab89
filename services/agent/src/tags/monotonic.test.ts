import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDigest, parseRepositoryName, parseTag, type TagRecord } from '@shoal/core';
import fc from 'fast-check';
import { judgeTag } from './monotonic.ts';

const record = (version: number, digit = 'a'): TagRecord => ({
  repository: parseRepositoryName('team/app'),
  tag: parseTag('v1'),
  digest: parseDigest(`sha256:${digit.repeat(64)}`),
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  size: 1,
  version,
  timeMs: 0,
});

test('whatever order records come in, the version that is kept never falls', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 20 })), (versions) => {
      let kept: TagRecord | undefined;
      for (const version of versions) {
        const before = kept?.version ?? -1;
        if (judgeTag(kept, record(version)) === 'newer') kept = record(version);
        assert.ok((kept?.version ?? -1) >= before);
      }
      assert.equal(kept?.version, versions.length > 0 ? Math.max(...versions) : undefined);
    }),
  );
});

test('an older version of another digest is a rollback, another digest under the same version a conflict', () => {
  assert.equal(judgeTag(undefined, record(0)), 'newer');
  assert.equal(judgeTag(record(5), record(4, 'b')), 'rollback');
  assert.equal(judgeTag(record(5), record(4)), 'same');
  assert.equal(judgeTag(record(5), record(5)), 'same');
  assert.equal(judgeTag(record(5), record(5, 'b')), 'conflict');
});
