import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { parsePeerId, seededPrng } from '@shoal/core';
import { DialError } from './dial-error.ts';
import type { Link } from './link.ts';
import { linkedPair, startNode, type TestNode } from './testing/node.ts';
import { RawPeer } from './testing/raw-peer.ts';
import { type Gate, openGate, relay } from './testing/relay.ts';
import { wire } from './testing/wire.ts';

const smallId = parsePeerId('11'.repeat(20));
const largeId = parsePeerId('ee'.repeat(20));

/** Holds all slices from that number on until `release`. */
const holdFrom = (first: number): { gate: Gate; release: () => void; reached: Promise<void> } => {
  const opened = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const gate: Gate = async (slice) => {
    if (slice < first) return;
    reached.resolve();
    await opened.promise;
  };
  return { gate, release: opened.resolve, reached: reached.promise };
};

/** The listener's CHALLENGE is slice 0, its HELLO slice 1. */
const holdHello = (): ReturnType<typeof holdFrom> => holdFrom(1);
const holdChallenge = (): ReturnType<typeof holdFrom> => holdFrom(0);

interface Pair extends AsyncDisposable {
  readonly small: TestNode;
  readonly large: TestNode;
  bySmall(): Promise<Link>;
  byLarge(): Promise<Link>;
}

/** Two nodes that reach each other through gates: for what the small id dials, and for what the large one dials. */
const pairWith = async (small: [Gate, Gate], large: [Gate, Gate]): Promise<Pair> => {
  const stack = new AsyncDisposableStack();
  const smallNode = stack.use(await startNode({ identity: { peerId: smallId } }));
  const largeNode = stack.use(await startNode({ identity: { peerId: largeId } }));
  const toLarge = stack.use(await relay(largeNode.address, ...small));
  const toSmall = stack.use(await relay(smallNode.address, ...large));
  return {
    small: smallNode,
    large: largeNode,
    bySmall: () => smallNode.endpoint.dial(toLarge.address),
    byLarge: () => largeNode.endpoint.dial(toSmall.address),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};

/** Both have one link, it is the one their dials gave, and messages go both ways on it. */
const assertOneLink = async (a: TestNode, b: TestNode, dialled: readonly unknown[]): Promise<void> => {
  await a.seen.until('a link', () => a.seen.opened.length > 0);
  await b.seen.until('a link', () => b.seen.opened.length > 0);
  assert.deepEqual(dialled, [a.seen.opened[0], b.seen.opened[0]]);
  a.seen.opened[0]!.send({ type: 'leave', channel: 1 });
  b.seen.opened[0]!.send({ type: 'leave', channel: 2 });
  await a.seen.until('a message', () => a.seen.messages.length === 1);
  await b.seen.until('a message', () => b.seen.messages.length === 1);
  for (const { seen, endpoint } of [a, b]) {
    assert.equal(seen.opened.length, 1);
    assert.equal(seen.closed.length, 0);
    assert.equal([...endpoint.links()].length, 1);
  }
};

suite('two peers that dial each other at once', () => {
  for (const firstReleased of ['bySmall', 'byLarge'] as const) {
    test(`each has the other's HELLO before an answer; ${firstReleased} is answered first: the smaller id's stays`, async () => {
      const held = { bySmall: holdHello(), byLarge: holdHello() };
      await using pair = await pairWith([openGate, held.bySmall.gate], [openGate, held.byLarge.gate]);
      const dials = Promise.all([pair.bySmall(), pair.byLarge()]);
      await Promise.all([held.bySmall.reached, held.byLarge.reached]);
      held[firstReleased].release();
      const { small, large } = pair;
      await small.seen.until('its decision', () => small.seen.log.length > 0);
      held[firstReleased === 'bySmall' ? 'byLarge' : 'bySmall'].release();
      await assertOneLink(small, large, await dials);
      assert.ok(small.seen.log.some((line) => line.startsWith('link opened') && line.includes('"dialled":true')));
      assert.ok(large.seen.log.some((line) => line.startsWith('link opened') && line.includes('"dialled":false')));
    });
  }

  for (const early of ['bySmall', 'byLarge'] as const) {
    test(`${early} is open before the other HELLO comes: it stays, and the other dial gets it`, async () => {
      const held = holdChallenge();
      const late = early === 'bySmall' ? 'byLarge' : 'bySmall';
      const gates = { [early]: openGate, [late]: held.gate };
      await using pair = await pairWith([openGate, gates['bySmall']!], [openGate, gates['byLarge']!]);
      const lateDial = pair[late]();
      await held.reached;
      const earlyLink = await pair[early]();
      held.release();
      const links = { [early]: earlyLink, [late]: await lateDial };
      await assertOneLink(pair.small, pair.large, [links['bySmall'], links['byLarge']]);
    });
  }

  test('READY is on its way when the other HELLO is answered: the late dial waits for it', async () => {
    const ready = holdFrom(1);
    const challenge = holdChallenge();
    await using pair = await pairWith([openGate, challenge.gate], [ready.gate, openGate]);
    const bySmall = pair.bySmall();
    await challenge.reached;
    const byLarge = await pair.byLarge();
    await ready.reached;
    challenge.release();
    await pair.large.seen.until('the duplicate', () =>
      pair.large.seen.log.some((line) => line.includes('other connection stays')),
    );
    assert.equal(pair.small.seen.opened.length, 0);
    ready.release();
    await assertOneLink(pair.small, pair.large, [await bySmall, byLarge]);
  });

  test('any interleaving ends with one link on both sides', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const prng = seededPrng(seed);
      const jitter: Gate = async () => {
        for (let turns = Math.floor(prng() * 6); turns > 0; turns--) await new Promise((next) => setImmediate(next));
      };
      await using pair = await pairWith([jitter, jitter], [jitter, jitter]);
      await assertOneLink(pair.small, pair.large, await Promise.all([pair.bySmall(), pair.byLarge()]));
    }
  });
});

suite('one link a peer', () => {
  test('dials of one address share one connection, and later ones get the link', async () => {
    await using up = await startNode();
    await using down = await startNode();
    const links = await Promise.all([down.dial(up), down.dial(up), down.dial(up)]);
    assert.equal(new Set([...links, await down.dial(up)]).size, 1);
    await up.seen.until('a link', () => up.seen.opened.length > 0);
    assert.equal(up.seen.opened.length, 1);
    assert.equal(down.endpoint.linkOf(up.peerId), links[0]);
  });

  test('another address of a peer gives its link', async () => {
    await using up = await startNode({ listen: { host: '0.0.0.0', port: 0 }, identity: { address: '127.0.0.1:0' } });
    await using down = await startNode();
    const link = await down.endpoint.dial({ host: '127.0.0.1', port: up.address.port });
    assert.equal(await down.endpoint.dial({ host: 'localhost', port: up.address.port }), link);
    assert.equal([...up.endpoint.links()].length, 1);
  });

  test('two addresses of a peer dialled at once give one link', async () => {
    await using up = await startNode({ listen: { host: '0.0.0.0', port: 0 }, identity: { address: '127.0.0.1:0' } });
    await using down = await startNode();
    const hosts = ['127.0.0.1', 'localhost', '127.0.0.2'];
    const dials = hosts.map((host) => down.endpoint.dial({ host, port: up.address.port }));
    assert.equal(new Set(await Promise.all(dials)).size, 1);
    await up.seen.until('a link', () => up.seen.opened.length > 0);
    assert.deepEqual([down.seen.opened.length, down.seen.closed.length, up.seen.opened.length], [1, 0, 1]);
  });

  test('the listener of a link may dial back and gets the same one', async () => {
    await using pair = await linkedPair();
    assert.equal(await pair.up.dial(pair.down), pair.upLink);
    assert.equal(pair.upLink.open && pair.downLink.open, true);
  });

  test('dialling yourself is refused', async () => {
    await using node = await startNode();
    await assert.rejects(
      node.dial(node),
      (error: DialError) => error.refusal === 'self' && /dialled itself/.test(error.message),
    );
    assert.equal(node.seen.opened.length, 0);
  });

  test('a restarted peer replaces its former self, and its former self is refused', async () => {
    await using up = await startNode();
    const former = await startNode({ identity: { peerId: smallId, incarnation: 1 } });
    await former.dial(up);
    await up.seen.until('a link', () => up.seen.opened.length === 1);
    await using restarted = await startNode({ identity: { peerId: smallId, incarnation: 2 } });
    await restarted.dial(up);
    await up.seen.until('the new link', () => up.seen.opened.length === 2);
    assert.match(up.seen.closed[0]!.reason, /restarted/);
    assert.equal(up.endpoint.linkOf(smallId), up.seen.opened[1]);
    await former.seen.until('the end of the old link', () => former.seen.closed.length === 1);
    await assert.rejects(former.dial(up), (error: DialError) => error.refusal === 'stale');
    await former.endpoint.close();
  });

  test('a peer that lost its side of the link gets a new one soon', async () => {
    await using up = await startNode({ limits: { pingTimeoutMs: 40, handshakeTimeoutMs: wire().shortMs(200) } });
    const lost = await RawPeer.link(up.address, { peerId: smallId });
    await up.seen.until('a link', () => up.seen.opened.length === 1);
    await using again = await startNode({
      identity: { peerId: smallId },
      limits: { handshakeTimeoutMs: wire().shortMs(200) },
    });
    await assert.rejects(again.dial(up), DialError);
    await up.seen.until('the dead link closed', () => up.seen.closed.length === 1);
    assert.ok((await again.dial(up)).open);
    lost.socket.destroy();
  });

  test('an abort ends the wait of its caller only', async () => {
    await using up = await startNode();
    await using down = await startNode();
    const abort = new AbortController();
    const given = down.endpoint.dial(up.address, { signal: abort.signal });
    const kept = down.dial(up);
    abort.abort();
    await assert.rejects(given, /aborted/);
    assert.ok((await kept).open);
    await assert.rejects(down.endpoint.dial(up.address, { signal: abort.signal }), /aborted/);
  });

  test('the last abort ends the dial', async () => {
    const held = holdHello();
    await using up = await startNode({ limits: { lingerMs: 50 } });
    await using slow = await relay(up.address, openGate, held.gate);
    await using down = await startNode({ limits: { lingerMs: 50 } });
    const abort = new AbortController();
    const dial = down.endpoint.dial(slow.address, { signal: abort.signal });
    await held.reached;
    abort.abort();
    await assert.rejects(dial, /aborted/);
    await up.seen.until('the end of the connection', () => up.seen.log.some((line) => line.includes('aborted')));
    assert.equal(up.seen.opened.length + down.seen.opened.length, 0);
  });

  test('close rejects dials under way, closes links and leaves nothing', async () => {
    const held = holdHello();
    const up = await startNode({ limits: { lingerMs: 50 } });
    await using slow = await relay(up.address, openGate, held.gate);
    const down = await startNode({ limits: { lingerMs: 50 } });
    await using other = await startNode();
    await other.dial(up);
    const dial = down.endpoint.dial(slow.address);
    await held.reached;
    const rejected = assert.rejects(dial, /the node stops/);
    await Promise.all([down.endpoint.close(), up.endpoint.close(), up.endpoint.close()]);
    await rejected;
    await assert.rejects(up.dial(other), /closed/);
    await other.seen.until('the reason', () =>
      other.seen.closed.some(({ reason }) => reason.includes('the node stops')),
    );
  });
});
