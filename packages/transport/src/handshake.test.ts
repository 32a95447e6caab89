import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { DialError } from './dial-error.ts';
import { linkedPair, startNode, type NodeParts } from './testing/node.ts';
import { RawPeer, rawListener } from './testing/raw-peer.ts';
import { wire } from './testing/wire.ts';

const refused = async (listener: NodeParts, dialer: NodeParts): Promise<DialError> => {
  await using up = await startNode(listener);
  await using down = await startNode(dialer);
  try {
    await down.dial(up);
  } catch (error) {
    assert.ok(error instanceof DialError, String(error));
    assert.equal([...up.endpoint.links()].length, 0);
    assert.equal(down.seen.opened.length, 0);
    assert.ok(!up.seen.log.concat(down.seen.log, error.message).some((line) => /letmein|guess/.test(line)));
    return error;
  }
  return assert.fail('the dial gave a link');
};

suite('handshake', () => {
  for (const secret of ['letmein', undefined]) {
    test(`${secret ? 'the same secret' : 'no secret on both sides'}: both get a link that tells who the other is`, async () => {
      const parts = secret === undefined ? {} : { secret };
      await using pair = await linkedPair({ up: { ...parts, identity: { role: 'origin', zone: 'a' } }, down: parts });
      assert.deepEqual(pair.downLink.remote, pair.up.endpoint.identity);
      assert.deepEqual(pair.upLink.remote, pair.down.endpoint.identity);
      assert.equal(pair.upLink.remote.address, `127.0.0.1:${pair.down.address.port}`);
    });
  }

  const cases: [string, NodeParts, NodeParts, string, RegExp][] = [
    [
      'another secret',
      { secret: 'letmein' },
      { secret: 'guess' },
      'credential',
      /proof of the cluster secret is wrong/,
    ],
    ['no secret at the dialer', { secret: 'letmein' }, {}, 'credential', /proof of the cluster secret is required/],
    ['no secret at the listener', {}, { secret: 'letmein' }, 'credential', /none is configured here/],
    ['another cluster', {}, { identity: { clusterId: 'other' } }, 'cluster', /cluster other is another one/],
    [
      'another cluster with the same secret',
      { secret: 'letmein' },
      { secret: 'letmein', identity: { clusterId: 'other' } },
      'cluster',
      /another one/,
    ],
    ['a role that is not accepted', { rolesAccepted: ['origin'] }, {}, 'role', /role agent is not accepted here/],
  ];
  for (const [name, listener, dialer, refusal, reason] of cases) {
    test(`${name}: refused with a reason that both sides know`, async () => {
      const error = await refused(listener, dialer);
      assert.equal(error.refusal, refusal);
      assert.match(error.message, reason);
    });
  }

  test('the listener must prove itself too', async () => {
    await using fake = await rawListener((peer) => {
      peer.send({ type: 'challenge', versionMin: 1, versionMax: 1, nonce: new Uint8Array(32) });
      void peer.next('hello').then(() => peer.hello({}, { nonce: new Uint8Array(32), secret: 'guess' }));
    });
    await using down = await startNode({ secret: 'letmein' });
    await assert.rejects(down.endpoint.dial(fake.address), /proof of the cluster secret is wrong/);
  });

  test('a proof is worth nothing on another connection, nor as the proof of the other side', async () => {
    await using up = await startNode({ secret: 'letmein' });
    const first = await RawPeer.dial(up.address);
    const { nonce } = (await first.next('challenge'))!;
    const second = await RawPeer.dial(up.address);
    const other = (await second.next('challenge'))!.nonce;
    assert.notDeepEqual(nonce, other);
    second.hello({}, { nonce, secret: 'letmein' });
    assert.equal((await second.next('error'))?.code, 'credential');
    first.hello({}, { nonce, secret: 'letmein', label: 'shoal-tcp-listen-v1' });
    assert.equal((await first.next('error'))?.code, 'credential');
    const third = await RawPeer.dial(up.address);
    third.hello({}, { nonce: (await third.next('challenge'))!.nonce, secret: 'letmein' });
    assert.ok(await third.next('hello'));
    for (const { socket } of [first, second, third]) socket.destroy();
  });

  test('no common version: the dialer refuses the challenge, the listener refuses the hello', async () => {
    await using future = await rawListener((peer) =>
      peer.send({ type: 'challenge', versionMin: 7, versionMax: 9, nonce: new Uint8Array(32) }),
    );
    await using node = await startNode();
    await assert.rejects(node.endpoint.dial(future.address), /versions 7 to 9 are spoken there, 1 to 2 here/);
    const peer = await RawPeer.dial(node.address);
    peer.hello({ version: 7 }, { nonce: (await peer.next('challenge'))!.nonce });
    assert.deepEqual(await peer.next('error'), {
      type: 'error',
      code: 'version',
      reason: 'version 7 is not spoken here, but 1 to 2',
    });
    await peer.ended;
  });

  test('a later version that still speaks this one is linked', async () => {
    await using node = await startNode();
    await using later = await rawListener((peer) => {
      const nonce = new Uint8Array(32);
      peer.send({ type: 'challenge', versionMin: 1, versionMax: 9, nonce });
      void peer.next('hello').then(() => peer.hello({}, { nonce }));
    });
    assert.ok((await node.endpoint.dial(later.address)).open);
  });

  const shortMs = wire().shortMs(40);
  const late = new RegExp(`no handshake within ${shortMs} ms`);

  test('a half-open handshake ends at its deadline on both sides', async () => {
    await using node = await startNode({ limits: { handshakeTimeoutMs: shortMs } });
    const silent = await RawPeer.dial(node.address);
    assert.match((await silent.next('error'))?.reason ?? '', late);
    await using mute = await rawListener(() => {});
    await assert.rejects(node.endpoint.dial(mute.address), late);
  });

  test('a dialer that never says READY gets no link', async () => {
    await using node = await startNode({ limits: { handshakeTimeoutMs: shortMs } });
    const peer = await RawPeer.dial(node.address);
    peer.hello({}, { nonce: (await peer.next('challenge'))!.nonce });
    assert.ok(await peer.next('hello'));
    assert.ok(await peer.next('error'));
    assert.equal(node.seen.opened.length, 0);
  });

  test('more unproven sockets than allowed are turned away, and a place becomes free again', async () => {
    await using node = await startNode({ limits: { handshakesMax: 2 } });
    const waiting = [await RawPeer.dial(node.address), await RawPeer.dial(node.address)];
    for (const peer of waiting) assert.ok(await peer.next('challenge'));
    const turnedAway = await RawPeer.dial(node.address);
    assert.equal((await turnedAway.next('error'))?.code, 'overloaded');
    for (const peer of waiting) peer.socket.destroy();
    await Promise.all(waiting.map(({ ended }) => ended));
    const peer = await dialUntilChallenged(node.address);
    peer.socket.destroy();
  });

  test('more links than allowed are refused', async () => {
    await using node = await startNode({ limits: { linksMax: 1 } });
    await using first = await startNode();
    await using second = await startNode();
    await first.dial(node);
    await assert.rejects(second.dial(node), (error: DialError) => error.refusal === 'overloaded');
    await assert.rejects(node.dial(second), /1 links are open/);
  });

  test('an unreachable address is told', async () => {
    await using node = await startNode();
    const gone = await startNode();
    await gone.endpoint.close();
    await assert.rejects(node.dial(gone), /dial 127\.0\.0\.1:\d+: ECONNREFUSED/);
  });
});

const dialUntilChallenged = async (address: { host: string; port: number }): Promise<RawPeer> => {
  for (;;) {
    const peer = await RawPeer.dial(address);
    if (await peer.next('challenge')) return peer;
  }
};
