import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parsePeerId, seededPrng } from '@shoal/core';
import { decodeHelloFields, encodeDataHeader, encodeMessage, type Message } from '@shoal/protocol';
import { InvalidValueError } from '@shoal/core';
import { dataPair, linkedPair, startNode, type TestNode } from './testing/node.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { wire } from './testing/wire.ts';

const linked = async (node: TestNode): Promise<RawPeer> => {
  const before = node.seen.opened.length;
  const peer = await RawPeer.link(node.address);
  await node.seen.until('a link', () => node.seen.opened.length > before);
  return peer;
};

const dataFrame = (): Uint8Array => {
  const frame = new Uint8Array(21);
  encodeDataHeader({ channel: 1, piece: 1, offset: 0, length: 0 }, frame);
  return frame;
};

suite('peers that break the grammar', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['a frame that is too long', Uint8Array.of(0xff, 0xff, 0xff, 0xff, 33), /length 4294967295 is over 1048576/],
    ['a message of the handshake', encodeMessage({ type: 'ready' }), /ready is not allowed in the control phase/],
    ['DATA on the control connection', dataFrame(), /DATA is not allowed on a control connection/],
    ['a value out of bounds', Uint8Array.of(0, 0, 0, 10, 22, 0, 0, 0, 1, 0, 0, 0, 1, 9), /reject: reason 9 is unknown/],
  ];
  for (const [name, bytes, reason] of cases) {
    test(`${name} closes the link, and both sides know why`, async () => {
      await using node = await startNode();
      const peer = await linked(node);
      peer.socket.write(bytes);
      const error = await peer.next('error');
      assert.equal(error?.code, 'protocol');
      assert.match(error.reason, reason);
      assert.match(node.seen.closed[0]!.reason, reason);
      await peer.ended;
    });
  }

  test('DATA from the side that downloads closes the whole link', async () => {
    await using node = await startNode();
    const fields = { peerId: parsePeerId('77'.repeat(20)) };
    const control = await RawPeer.link(node.address, fields);
    const data = await RawPeer.link(node.address, { ...fields, connection: 'data' });
    await node.seen.until('a link', () => node.seen.opened.length === 1);
    data.socket.write(dataFrame());
    assert.match((await control.next('error'))?.reason ?? '', /DATA only goes from the listener/);
    await data.ended;
  });

  test('HELLO twice, READY before HELLO and HELLO before CHALLENGE are refused', async () => {
    await using node = await startNode();
    const eager = await RawPeer.dial(node.address);
    eager.send({ type: 'ready' });
    assert.match((await eager.next('error'))?.reason ?? '', /ready is out of its place/);
    const twice = await RawPeer.dial(node.address);
    const { nonce } = (await twice.next('challenge'))!;
    twice.hello({}, { nonce });
    twice.hello({}, { nonce });
    assert.match((await twice.next('error'))?.reason ?? '', /hello is out of its place/);
    assert.equal(node.seen.opened.length, 0);
  });

  test('READY on a connection that was told it is a duplicate is refused, and the link stays', async () => {
    await using node = await startNode();
    const fields = { peerId: parsePeerId('77'.repeat(20)) };
    const first = await RawPeer.link(node.address, fields);
    await node.seen.until('a link', () => node.seen.opened.length === 1);
    const second = await RawPeer.dial(node.address);
    second.hello(fields, { nonce: (await second.next('challenge'))!.nonce });
    assert.equal(decodeHelloFields((await second.next('hello'))!.signed).duplicate, true);
    second.send({ type: 'ready' });
    assert.match((await second.next('error'))?.reason ?? '', /ready is out of its place/);
    assert.ok(node.seen.opened.length === 1 && node.seen.opened[0]!.open);
    first.socket.destroy();
  });

  test('what the handler refuses closes the link with its reason', async () => {
    await using pair = await linkedPair();
    pair.up.seen.onMessage = () => {
      throw new InvalidValueError('channel', 7, 'a channel that was joined');
    };
    pair.downLink.send({ type: 'leave', channel: 7 });
    await pair.down.seen.until('linkClosed', () => pair.down.seen.closed.length === 1);
    assert.match(pair.down.seen.closed[0]!.reason, /channel: 7 is not allowed/);
  });

  test('what the handler refuses of DATA closes the link with its reason', async () => {
    await using pair = await dataPair();
    pair.down.seen.onFrame = () => {
      throw new InvalidValueError('piece', 1, 'a piece that was requested');
    };
    pair.upLink.uplink!.start({
      channel: 1,
      piece: 1,
      offset: 0,
      length: 9,
      reader: { readInto: (to) => to.length },
      onEnd() {},
    });
    await pair.up.seen.until('linkClosed', () => pair.up.seen.closed.length === 1);
    assert.match(pair.up.seen.closed[0]!.reason, /piece: 1 is not allowed/);
    assert.equal(pair.down.seen.dataClosures.length, 1);
  });
});

suite('peers that do not answer', () => {
  const limits = { pingIdleMs: 30, pingTimeoutMs: 60 };

  test('an idle link is pinged and stays', async () => {
    await using pair = await linkedPair({ up: { limits } });
    const peer = await linked(pair.up);
    const ping = await peer.next('ping');
    peer.send({ type: 'pong', nonce: ping!.nonce });
    const next = await peer.next('ping');
    assert.notEqual(next!.nonce, ping!.nonce);
    assert.ok(pair.upLink.open, 'the real peer answers by itself');
    peer.socket.destroy();
  });

  test('a peer that is silent is closed', async () => {
    await using node = await startNode({ limits });
    const peer = await linked(node);
    assert.match((await peer.next('error'))?.reason ?? '', /no sign of life for \d+ ms/);
    assert.equal(node.seen.closed.length, 1);
  });

  test('a peer that answers pings and takes no data is closed', async () => {
    await using node = await startNode({ limits: { ...limits, uplinkTimeoutMs: 100, lingerMs: 50 } });
    const fields = { peerId: parsePeerId('78'.repeat(20)) };
    const control = await RawPeer.link(node.address, fields);
    await node.seen.until('a link', () => node.seen.opened.length === 1);
    const data = await RawPeer.link(node.address, { ...fields, connection: 'data' });
    const link = node.seen.opened[0]!;
    await node.seen.until('an uplink', () => link.uplink !== undefined);
    data.socket.pause();
    const alive = setInterval(() => control.send({ type: 'ping', nonce: 1 }), 10);
    const ended = Promise.withResolvers<boolean>();
    const reader = { readInto: (buffer: Uint8Array) => buffer.length };
    link.uplink!.start({ channel: 1, piece: 0, offset: 0, length: 2 ** 28, reader, onEnd: ended.resolve });
    await node.seen.until('linkClosed', () => node.seen.closed.length === 1);
    clearInterval(alive);
    assert.match(node.seen.closed[0]!.reason, /no data was taken for 100 ms/);
    assert.equal(await ended.promise, false);
    control.socket.destroy();
    data.socket.destroy();
  });

  test('a peer that does not read is closed when too much waits for it', async () => {
    await using node = await startNode({ limits: { sendQueueBytesMax: 2 ** 20, lingerMs: 50 } });
    const peer = await linked(node);
    peer.socket.pause();
    const link = node.seen.opened[0]!;
    const record: Message = { type: 'record', id: 1, bytes: new Uint8Array(500_000) };
    for (let count = 0; link.open && count < 200; count++) {
      link.send(record);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await node.seen.until('linkClosed', () => node.seen.closed.length === 1);
    assert.match(node.seen.closed[0]!.reason, /more than 1048576 bytes wait/);
    peer.socket.destroy();
  });
});

suite('wire fuzz against a live endpoint', () => {
  test('whatever comes, before or after the handshake, the endpoint goes on', async () => {
    await using node = await startNode({ limits: { lingerMs: 20, handshakeTimeoutMs: wire().shortMs(500) } });
    await using friend = await startNode();
    const link = await friend.dial(node);
    for (let seed = 1; seed <= 60; seed++) {
      const prng = seededPrng(seed);
      const peer = seed % 2 === 0 ? await RawPeer.link(node.address) : await RawPeer.dial(node.address);
      for (let slice = 0; slice < 8; slice++) peer.socket.write(noise(prng));
      peer.socket.end();
      peer.socket.resume();
      await peer.ended;
    }
    await node.seen.until('the noise is over', () => [...node.endpoint.links()].length === 1);
    link.send({ type: 'leave', channel: 5 });
    await node.seen.until('a message of the friend', () =>
      node.seen.messages.some((message) => message.type === 'leave' && message.channel === 5),
    );
    assert.ok(link.open);
    assert.ok(node.seen.closed.length > 0);
  });
});

/** Frames with a plausible head and a random body, or just random bytes. */
const noise = (prng: () => number): Uint8Array => {
  const body = Uint8Array.from({ length: Math.floor(prng() * 60) }, () => prng() * 256);
  if (prng() < 0.3) return body;
  const known = [1, 2, 3, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 32, 33, 34, 40, 41, 64, 200];
  const type = known[Math.floor(prng() * known.length)]!;
  return Uint8Array.of(0, 0, 0, body.length + 1, type, ...body);
};
