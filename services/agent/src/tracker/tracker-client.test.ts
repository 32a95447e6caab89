import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { parsePeerId } from '@shoal/core';
import { clusterAuth } from '@shoal/service';
import { Agent } from 'undici';
import { Heartbeat } from './heartbeat.ts';
import { TrackerClient } from './tracker-client.ts';

const listen = async (answer: (path: string) => [number, unknown]): Promise<{ server: Server; url: string }> => {
  const server = createServer((request, response) => {
    const [status, body] = answer(request.url ?? '');
    request.resume();
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
const clientOf = (urls: string[], pool: Agent) =>
  new TrackerClient({ urls, auth: clusterAuth(undefined), timeoutMs: 1000, self: () => self, pool });

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
