import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Link } from '@shoal/transport';
import { Peer } from './peer.ts';

test('a peer is abroad when both say a zone and not the same', () => {
  const abroad = (own: string, remote: string): boolean =>
    new Peer({ id: 1, remote: { zone: remote } } as Link, 0, 0, own).abroad;
  assert.equal(abroad('a', 'b'), true);
  for (const [own, remote] of [
    ['a', 'a'],
    ['', 'b'],
    ['a', ''],
    ['', ''],
  ] as const)
    assert.equal(abroad(own, remote), false, `${own}, ${remote}`);
});
