import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import { json } from 'node:stream/consumers';
import { test } from 'node:test';
import { parsePeerId } from '@shoal/core';
import { clusterAuth } from '@shoal/service';
import { Agent } from 'undici';
import { Heartbeat } from './heartbeat.ts';
import { TrackerClient } from './tracker-client.ts';

type Answer = (path: string, asked: Record<string, unknown>) => [number, unknown];

const listen = async (answer: Answer): Promise<{ server: Server; url: string }> => {
  const server = createServer(async (request, response) => {
    const [status, body] = answer(request.url ?? '', (await json(request)) as Record<string, unknown>);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

const close = async (server: Server): Promise<void> => {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
};

const self = {
  peerId: parsePeerId('a'.repeat(40)),
  incarnation: 1,
  address: '127.0.0.1:7021',
  zone: '',
  role: 'agent' as const,
};
const clientOf = (urls: string[], pool: Agent, timeoutMs = 1000) =>
  new TrackerClient({ urls, auth: clusterAuth(undefined), timeoutMs, self: () => self, pool });

/** A tracker that is in trouble in the way that `connected` shows. */
const listenTcp = async (connected: (socket: Socket) => void): Promise<{ server: TcpServer; url: string }> => {
  const server = createTcpServer((socket) => connected(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};

test('the next tracker is asked at once when one fails, and stays the first choice', async () => {
  let asked = 0;
  const sick = await listen(() => [500, { error: (asked++, 'sick') }]);
  const well = await listen((path) => [
    200,
    path.endsWith('lookup') ? { swarms: [] } : { known: true, commands: [], intervalMs: 50 },
  ]);
  const pool = new Agent();
  const client = clientOf([sick.url, well.url], pool);
  assert.equal((await client.heartbeat(0)).known, true);
  await client.lookup({}, 1);
  assert.equal(asked, 1);
  await close(well.server);
  await assert.rejects(client.heartbeat(0), /tracker/);
  assert.match(client.lastError ?? '', /tracker http/);
  await close(sick.server);
  await pool.destroy();
});

test('requests that run at the same time all come to the tracker that answers', async () => {
  const sick = await listen(() => [500, {}]);
  const well = await listen(() => [200, { known: true, commands: [], intervalMs: 50 }]);
  const pool = new Agent();
  const client = clientOf([sick.url, well.url], pool);
  const answers = await Promise.all([client.heartbeat(0), client.heartbeat(0), client.heartbeat(0)]);
  assert.deepEqual(
    answers.map(({ known }) => known),
    [true, true, true],
  );
  await Promise.all([close(sick.server), close(well.server)]);
  await pool.destroy();
});

/** Longer than any test may run: whoever waits for it fails. */
const foreverMs = 3_600_000;

test('a tracker that refuses, resets or says nothing costs an announce neither its answer nor its deadline', async () => {
  const gone = await listenTcp(() => undefined);
  await new Promise((resolve) => gone.server.close(resolve));
  let resets = 0;
  const resetting = await listenTcp((socket) =>
    socket.once('data', () => {
      resets++;
      socket.resetAndDestroy();
    }),
  );
  const silent = await listenTcp((socket) => socket.resume());
  const well = await listen(() => [200, { swarms: [], again: false, intervalMs: 1234 }]);
  for (const first of [gone, resetting, silent]) {
    const pool = new Agent();
    const client = clientOf([first.url, well.url], pool, foreverMs);
    assert.equal((await client.announce([])).intervalMs, 1234);
    assert.equal(client.lastError, undefined);
    await client.announce([]);
    await pool.destroy();
  }
  assert.equal(resets, 1, 'the tracker that answered is the first choice from then on');
  await close(well.server);
  await Promise.all([resetting, silent].map(({ server }) => new Promise((resolve) => server.close(resolve))));
});

test('when every tracker fails the request fails with the last of them', async () => {
  const sick = await listen(() => [503, {}]);
  const silent = await listenTcp((socket) => socket.resume());
  const pool = new Agent();
  const client = clientOf([sick.url, silent.url], pool, 50);
  await assert.rejects(client.announce([]), new RegExp(`tracker ${silent.url}`));
  assert.match(client.lastError ?? '', new RegExp(silent.url));
  await pool.destroy();
  await close(sick.server);
  await new Promise((resolve) => silent.server.close(resolve));
});

test('a lookup says who asks: nodes that share an address are not one peer', async () => {
  const askers: unknown[] = [];
  const tracker = await listen((_path, { peerId }) => {
    askers.push(peerId);
    return [200, { swarms: [] }];
  });
  const pool = new Agent();
  await clientOf([tracker.url], pool).lookup({}, 1);
  assert.deepEqual(askers, [self.peerId]);
  await pool.destroy();
  await close(tracker.server);
});

test('an answer outside its schema counts as a failure', async () => {
  const odd = await listen(() => [200, { swarms: 'none' }]);
  const pool = new Agent();
  await assert.rejects(clientOf([odd.url], pool).announce([]), /outside its schema/);
  await close(odd.server);
  await pool.destroy();
});

test('a tracker that does not know the node any more triggers a full announce', async () => {
  const forgotten = Promise.withResolvers<void>();
  let known = true;
  const heartbeat = new Heartbeat({
    send: async () => ({ known: known ? !(known = false) : false, commands: [], intervalMs: 200 }),
    forgotten: forgotten.resolve,
    prng: () => 0,
  });
  await forgotten.promise;
  heartbeat.stop();
});
