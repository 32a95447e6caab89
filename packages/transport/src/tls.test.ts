import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { suite, test } from 'node:test';
import tls from 'node:tls';
import { parsePeerId, seededPrng } from '@shoal/core';
import { certificates, type TestCertificate } from '../../../test/support/tls/certificates.ts';
import { DialError } from './dial-error.ts';
import { type NodeParts, startNode, type TestNode } from './testing/node.ts';
import { spiedSockets } from './testing/sockets.ts';
import { runOver, tlsWire } from './testing/wire.ts';
import { TlsSockets } from './tls-sockets.ts';
import { tcpSockets } from './socket-factory.ts';

runOver(tlsWire(certificates('member')));

const boundId = parsePeerId('11'.repeat(20));

const nodeWith = (name: TestCertificate, parts: NodeParts = {}): Promise<TestNode> =>
  startNode({ sockets: new TlsSockets(certificates(name)), ...parts });

/** A dial that fails, and the line of the listener's log that says why. */
const assertRefused = async (
  [dialer, dialerSays]: [TestNode, RegExp],
  [listener, listenerSays]: [TestNode, RegExp],
): Promise<void> => {
  await assert.rejects(dialer.dial(listener), (error: DialError) => {
    assert.ok(error instanceof DialError);
    assert.match(error.message, dialerSays);
    return true;
  });
  await listener.seen.until(`a line like ${listenerSays}`, () =>
    listener.seen.log.some((line) => listenerSays.test(line)),
  );
  assert.equal(dialer.seen.opened.length + listener.seen.opened.length, 0);
};

suite('certificates', () => {
  test('members link; their data is encrypted with AES-128-GCM, and the second connection resumes', async () => {
    const sockets = spiedSockets();
    await using up = await startNode();
    await using down = await startNode({ sockets });
    const link = await down.dial(up);
    link.openData();
    await down.seen.until('a data connection', () => link.dataReady);
    const [control, data] = sockets.dialled as tls.TLSSocket[];
    assert.deepEqual([control!.getProtocol(), control!.getCipher().name], ['TLSv1.3', 'TLS_AES_128_GCM_SHA256']);
    assert.deepEqual([control!.isSessionReused(), data!.isSessionReused()], [false, true]);
  });

  for (const [name, flaw] of [
    ['stranger', /its certificate is not accepted: UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
    ['expired', /its certificate is not accepted: CERT_HAS_EXPIRED/],
  ] as const) {
    test(`a dialer with a certificate that is ${name} is refused, and both logs say why`, async () => {
      await using listener = await nodeWith('member');
      await using dialer = await nodeWith(name);
      await assertRefused([dialer, flaw], [listener, flaw]);
    });

    test(`a listener with a certificate that is ${name} is not dialled`, async () => {
      await using listener = await nodeWith(name);
      await using dialer = await nodeWith('member');
      await assertRefused([dialer, flaw], [listener, /refused/]);
    });
  }

  test('without a certificate nobody gets in, not by resuming a session either', async () => {
    await using listener = await nodeWith('member');
    const { ca } = certificates('member');
    let session: Buffer | undefined;
    for (const attempt of ['full', 'resumed']) {
      const options = { ...listener.address, ca, checkServerIdentity: () => undefined };
      const socket = tls.connect({ ...options, ...(session && { session }) });
      socket.on('session', (next) => (session = next));
      const [answer] = (await once(socket, 'data')) as [Buffer];
      assert.match(answer.toString('latin1'), /it shows no certificate/, attempt);
      assert.equal(socket.isSessionReused(), attempt === 'resumed');
      await once(socket, 'close');
    }
    assert.equal(listener.seen.log.filter((line) => line.includes('it shows no certificate')).length, 2);
  });

  test('former versions of TLS are refused', async () => {
    await using listener = await nodeWith('member');
    const options = { ...listener.address, ...certificates('member'), maxVersion: 'TLSv1.2' } as const;
    const [error] = (await once(tls.connect(options), 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    await listener.seen.until('its log', () => listener.seen.log.some((line) => /does not speak TLS 1.3/.test(line)));
  });

  test('new certificates count for the next connections', async () => {
    const [upSockets, downSockets] = [new TlsSockets(certificates('member')), new TlsSockets(certificates('member'))];
    await using up = await startNode({ sockets: upSockets });
    await using down = await startNode({ sockets: downSockets });
    const first = await down.dial(up);
    upSockets.renew(certificates('other-member'));
    first.close('again');
    await down.dial(up);
    await up.seen.until('two links', () => up.seen.opened.length === 2);
    upSockets.renew(certificates('stranger'));
    [...down.endpoint.links()][0]!.close('again');
    await assert.rejects(down.dial(up), /UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
  });
});

suite('plain peers and TLS peers', () => {
  test('a plain dialer hears that TLS is required, before its deadline', async () => {
    await using listener = await nodeWith('member', { limits: { handshakeTimeoutMs: 2000 } });
    await using dialer = await startNode({ sockets: tcpSockets });
    await assertRefused([dialer, /TLS is required here/], [listener, /does not begin with TLS/]);
  });

  test('a TLS dialer does not talk to a plain listener, which says that it was TLS', async () => {
    await using listener = await startNode({ sockets: tcpSockets });
    await using dialer = await nodeWith('member');
    await assertRefused([dialer, /does not speak TLS/], [listener, /it speaks TLS, which is not set up here/]);
  });
});

suite('a certificate that names its peer id', () => {
  test('lets its holder be that peer, listening and dialling', async () => {
    await using bound = await nodeWith('bound', { identity: { peerId: boundId } });
    await using other = await nodeWith('member');
    const link = await other.dial(bound);
    link.openData();
    await other.seen.until('a data connection', () => link.dataReady);
    link.close('once more');
    await bound.seen.until('its end', () => bound.seen.closed.length === 1);
    assert.ok((await bound.dial(other)).open);
  });

  test('does not let it be another, also when the session is resumed', async () => {
    const says = /the certificate is not that of peer/;
    await using bound = await nodeWith('bound');
    await using other = await nodeWith('member');
    for (let attempt = 0; attempt < 2; attempt++) {
      await assertRefused([other, says], [bound, says]);
      await assertRefused([bound, says], [other, says]);
    }
  });
});

suite('bad input before TLS', () => {
  const limits = { handshakesMax: 4, handshakeTimeoutMs: 2000 };
  const http = Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');

  const send = async (node: TestNode, slices: Iterable<Uint8Array>): Promise<void> => {
    const socket = net.connect(node.address).on('error', () => {});
    const closed = once(socket, 'close');
    for (const slice of slices) socket.write(slice);
    socket.resume();
    await closed;
  };

  test('plain HTTP and noise are refused with a reason, and members still get in', async () => {
    await using node = await nodeWith('member', { limits });
    await using friend = await nodeWith('member');
    await send(node, [http]);
    await node.seen.until('its log', () => node.seen.log.some((line) => /speaks HTTP without TLS/.test(line)));
    for (let seed = 1; seed <= 40; seed++) {
      const prng = seededPrng(seed);
      const noise = Uint8Array.from({ length: 1 + Math.floor(prng() * 600) }, () => prng() * 256);
      const record = Uint8Array.of(0x16, 3, 1, noise.length >> 8, noise.length & 255, ...noise);
      await send(node, [seed % 2 === 0 ? noise : record]);
    }
    assert.ok((await friend.dial(node)).open);
  });

  test('half a handshake takes a slot until its deadline, however slowly it goes on', async () => {
    await using node = await nodeWith('member', { limits });
    const started = net.connect(node.address).on('error', () => {});
    const trickle = setInterval(() => started.write(Uint8Array.of(0)), 20);
    started.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc));
    // Not by once(): bytes that cross with the end have it answered by a reset, which is as good.
    await new Promise<void>((resolve) => started.resume().once('close', () => resolve()));
    clearInterval(trickle);
    assert.ok(node.seen.log.some((line) => line.includes('no TLS handshake within 2000 ms')));
  });

  test('as many as there are slots, the next one is closed, and slots come back', async () => {
    await using node = await nodeWith('member', { limits });
    await using friend = await nodeWith('member');
    const idle = Array.from({ length: 5 }, () =>
      net
        .connect(node.address)
        .on('error', () => {})
        .resume(),
    );
    await node.seen.until('one too many', () =>
      node.seen.log.some((line) => line.includes('4 TLS handshakes are under way')),
    );
    await Promise.all(idle.map((socket) => once(socket, 'close')));
    assert.ok((await friend.dial(node)).open);
  });

  test('closing the endpoint ends handshakes under way', async () => {
    const node = await nodeWith('member');
    const socket = net.connect(node.address).on('error', () => {});
    await once(socket, 'connect');
    const closed = once(socket.resume(), 'close');
    await node.endpoint.close();
    await closed;
  });
});
