import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import Value from 'typebox/value';
import {
  AnnounceRequestSchema,
  type AnnounceRequest,
  announceSwarmsMax,
  HeartbeatRequestSchema,
  LookupRequestSchema,
} from './announce.ts';

const peer = { peerId: 'ab'.repeat(20), incarnation: 1, address: '10.0.0.1:7021', zone: 'a', role: 'agent' };
const swarm = { swarm: 'cd'.repeat(32), event: 'join', have: 0, pieces: 10, degree: 0, want: 10 };

const accepts = (peerChange: object, swarmChange: object = {}): boolean =>
  Value.Check(AnnounceRequestSchema, { peer: { ...peer, ...peerChange }, swarms: [{ ...swarm, ...swarmChange }] });

suite('announce schemas', () => {
  test('a whole announce passes, and its type is branded', () => {
    const announce: unknown = { peer, swarms: [{ ...swarm, digest: `sha256:${'0'.repeat(64)}` }] };
    assert.ok(Value.Check(AnnounceRequestSchema, announce));
    const typed: AnnounceRequest = announce;
    assert.equal(typed.swarms[0]?.event, 'join');
  });

  test('addresses of both IP versions and names pass', () => {
    for (const address of ['[2001:db8::1]:1', '[fe80::1%eth0]:7021', 'node-1.example:7021'])
      assert.ok(accepts({ address }), address);
    for (const address of ['', 'x', ':1', '::1:7021', 'a b:1', 'a:123456', `${'a'.repeat(300)}:1`])
      assert.ok(!accepts({ address }), address);
  });

  test('each field is bounded', () => {
    assert.ok(accepts({}));
    for (const change of [
      { peerId: 'AB'.repeat(20) },
      { incarnation: -1 },
      { incarnation: 1.5 },
      { zone: 'x'.repeat(65) },
      { role: 'king' },
    ]) {
      assert.ok(!accepts(change), JSON.stringify(change));
    }
    for (const change of [
      { swarm: 'cd' },
      { digest: 'md5:1' },
      { event: 'dance' },
      { have: -1 },
      { degree: 70_000 },
      { want: 51 },
    ]) {
      assert.ok(!accepts({}, change), JSON.stringify(change));
    }
  });

  test('the number of swarms is bounded', () => {
    const swarms = Array.from({ length: announceSwarmsMax + 1 }, () => swarm);
    assert.ok(!Value.Check(AnnounceRequestSchema, { peer, swarms }));
    assert.ok(Value.Check(AnnounceRequestSchema, { peer, swarms: swarms.slice(1) }));
  });

  test('heartbeat and lookup', () => {
    assert.ok(Value.Check(HeartbeatRequestSchema, { peer, load: { swarms: 3 } }));
    assert.ok(!Value.Check(HeartbeatRequestSchema, { load: {} }));
    assert.ok(Value.Check(LookupRequestSchema, { swarm: swarm.swarm, want: 5 }));
    assert.ok(!Value.Check(LookupRequestSchema, { swarm: 'x', want: 5 }));
  });
});
