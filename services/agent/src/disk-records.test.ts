import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDigest, parseRepositoryName, parseTag } from '@shoal/core';
import { StoreFullError } from '@shoal/store';
import { DiskRecords } from './disk-records.ts';

test('a full disk is reported and keeps nobody from a tag or a manifest', () => {
  const log: string[] = [];
  let full = true;
  const write = (): void => {
    if (full) throw new StoreFullError('the disk is full');
  };
  const store = { tagRecord: () => undefined, mediaType: () => undefined, putTagRecord: write, putMediaType: write };
  const records = new DiskRecords(store, {
    recordNotKept: (reason) => void log.push(reason),
    recordKept: () => void log.push('kept'),
  });
  records.putTagRecord(parseRepositoryName('team/app'), parseTag('v1'), new Uint8Array(1));
  records.putMediaType(parseDigest(`sha256:${'a'.repeat(64)}`), 'text/plain');
  full = false;
  records.putTagRecord(parseRepositoryName('team/app'), parseTag('v1'), new Uint8Array(1));
  assert.deepEqual(log, ['the disk is full', 'the disk is full', 'kept']);
});
