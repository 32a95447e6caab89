import assert from 'node:assert/strict';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defaultPieceLengthPolicy } from '@shoal/core';
import { SigningKey } from '@shoal/store';
import type { ClusterAnnouncement } from '@shoal/protocol';
import { ClusterBook } from './cluster-book.ts';
import { loadNodeId } from './node-id.ts';

const folder = () => mkdtemp(join(tmpdir(), 'shoal-agent-'));
const key = async () => SigningKey.loadOrCreate(join(await folder(), 'key.pem'));
const told = (keys: ClusterAnnouncement['keys'], clusterId = 'shoal'): ClusterAnnouncement => ({
  clusterId,
  protocolVersion: 1,
  pieceLengthPolicy: { ...defaultPieceLengthPolicy, piecesTarget: 100 },
  keys,
  piecesAddress: '127.0.0.1:7001',
  peerId: 'a'.repeat(40),
  names: ['registry.example.com'],
});
const statement = new TextEncoder().encode('statement');

test('keys, policy and origin addresses are learned at first contact and kept over a restart', async () => {
  const at = await folder();
  const signing = await key();
  const book = await ClusterBook.open({ folder: at, clusterId: 'shoal' });
  assert.equal(book.trusting, false);
  assert.equal(await book.learn('http://o', told([signing.record])), 'learned');
  assert.equal(await book.learn('http://o', told([signing.record])), 'known');
  const again = await ClusterBook.open({ folder: at, clusterId: 'shoal' });
  assert.ok(again.verify(statement, [signing.sign(statement)]));
  assert.equal(again.pieceLengthPolicy.piecesTarget, 100);
  assert.deepEqual(again.originAddresses(), ['127.0.0.1:7001']);
  assert.deepEqual([again.isRegistryName('registry.example.com'), again.isRegistryName('quay.io')], [true, false]);
});

test('pinned keys are the only ones believed, whatever an origin says', async () => {
  const [pinned, other] = [await key(), await key()];
  const book = await ClusterBook.open({ folder: await folder(), clusterId: 'shoal', pinnedKeys: [pinned.record] });
  await book.learn('http://o', told([other.record]));
  assert.ok(book.verify(statement, [pinned.sign(statement)]));
  assert.equal(book.verify(statement, [other.sign(statement)]), false);
});

test('an origin of another cluster teaches nothing', async () => {
  const book = await ClusterBook.open({ folder: await folder(), clusterId: 'shoal' });
  await assert.rejects(book.learn('http://o', told([(await key()).record], 'other')), /belongs to the cluster "other"/);
  assert.equal(book.trusting, false);
});

test('a broken file counts as lost', async () => {
  const at = await folder();
  await writeFile(join(at, 'cluster.json'), '{"formatVersion":1,"clusterId":"shoal","keys":[{"keyId":"x"}]}');
  assert.equal((await ClusterBook.open({ folder: at, clusterId: 'shoal' })).trusting, false);
});

test('a node keeps its id over restarts and grows its incarnation', async () => {
  const at = await folder();
  const first = await loadNodeId(at, () => 1000);
  const second = await loadNodeId(at, () => 500);
  assert.equal(second.peerId, first.peerId);
  assert.ok(second.incarnation > first.incarnation);
});
