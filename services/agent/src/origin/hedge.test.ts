import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OriginAnswer } from './answer.ts';
import { originsOrPeers } from './hedge.ts';

const never = new Promise<never>(() => {});
const found: OriginAnswer<string> = { kind: 'found', value: 'of the origin', origin: 'o' };
const down: OriginAnswer<string> = { kind: 'unreachable', reason: 'down' };
const peer = async () => 'of a peer';
const nobody = async () => undefined;

test('an origin that answers is believed, and no peer is asked', async () => {
  const unasked = () => assert.fail('a peer was asked');
  assert.equal(await originsOrPeers(Promise.resolve(found), unasked), found);
  const absent: OriginAnswer<string> = { kind: 'absent' };
  assert.equal(await originsOrPeers(Promise.resolve(absent), unasked), absent);
});

test('an origin that hangs is not waited for where a peer knows', async () => {
  assert.deepEqual(await originsOrPeers<string>(never, peer), { kind: 'peer', value: 'of a peer' });
});

test('peers that hang or know nothing do not hold up an origin that is only slow', async () => {
  const slow = () => new Promise<OriginAnswer<string>>((resolve) => setTimeout(resolve, 600, found));
  assert.equal(await originsOrPeers(slow(), () => never), found);
  assert.equal(await originsOrPeers(slow(), nobody), found);
});

test('origins that cannot be asked, or not all of them, send to the peers; theirs is the last word', async () => {
  const doubted: OriginAnswer<string> = { kind: 'absent', doubt: 'another one is down' };
  for (const answer of [down, doubted]) {
    assert.deepEqual(await originsOrPeers(Promise.resolve(answer), peer), { kind: 'peer', value: 'of a peer' });
    assert.equal(await originsOrPeers(Promise.resolve(answer), nobody), answer);
  }
});
