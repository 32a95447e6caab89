import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { fastify } from 'fastify';
import type { FastifyInstance } from 'fastify';
import { clusterAuth } from './cluster-auth.ts';
import { ClusterAnswerError, clusterFetch, clusterFetchJson, readBytes } from './cluster-fetch.ts';
import { proofHeaders, requireClusterAuth } from './fastify-hook.ts';

const auth = clusterAuth('one secret for all of us');
const stranger = clusterAuth('quite another secret');
const timeoutMs = 5000;

describe('signed HTTP', () => {
  let app: FastifyInstance;
  let base: string;
  before(async () => {
    app = fastify({ bodyLimit: 1000 });
    app.get('/open', async () => 'open');
    await app.register(async (closed) => {
      requireClusterAuth(closed, auth);
      closed.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
      closed.post('/json', async ({ body }) => ({ got: body }));
      closed.get('/get', async ({ query }) => query);
      closed.get('/missing', async (_request, reply) => reply.code(404).send({ nothing: true }));
      closed.put('/stream', { config: { clusterAuthBody: 'unsigned' }, bodyLimit: 1 << 20 }, async ({ body }) =>
        String((await text(body as Readable)).length),
      );
      closed.get('/hijacked', (request, reply) => {
        reply.hijack();
        reply.raw.writeHead(200, proofHeaders(auth, request, 200)).end('raw');
      });
    });
    base = await app.listen({ host: '127.0.0.1', port: 0 });
  });
  after(() => app.close());

  it('carries JSON, queries and streams, and proves the answer', async () => {
    assert.deepEqual(await clusterFetchJson(auth, `${base}/json`, { json: { a: [1, 'ä'] }, timeoutMs }), {
      got: { a: [1, 'ä'] },
    });
    assert.deepEqual(await clusterFetchJson(auth, `${base}/get?a=1&b=%2F`, { timeoutMs }), { a: '1', b: '/' });
    const body = Readable.from([Buffer.alloc(70_000), Buffer.alloc(7)]);
    const streamed = await clusterFetch(auth, `${base}/stream`, {
      method: 'PUT',
      body,
      headers: { 'content-type': 'application/octet-stream' },
      timeoutMs,
    });
    assert.equal(await streamed.body.text(), '70007');
    const hijacked = await clusterFetch(auth, `${base}/hijacked`, { timeoutMs });
    assert.equal(await hijacked.body.text(), 'raw');
  });

  it('gives back other statuses proved as well', async () => {
    const answer = await clusterFetch(auth, `${base}/missing`, { timeoutMs });
    assert.equal(answer.status, 404);
    assert.deepEqual(await answer.body.json(), { nothing: true });
    await assert.rejects(
      clusterFetchJson(auth, `${base}/missing`, { timeoutMs }),
      (error) => error instanceof ClusterAnswerError && error.answerStatus === 404,
    );
  });

  it('keeps strangers out of the closed routes only', async () => {
    for (const path of ['/json', '/get', '/stream', '/hijacked']) {
      const method = { '/json': 'POST', '/stream': 'PUT' }[path] ?? 'GET';
      assert.equal(
        (
          await fetch(`${base}${path}`, {
            method,
            ...(method !== 'GET' && { body: '{}' }),
            headers: { 'content-type': 'application/json' },
          })
        ).status,
        401,
        path,
      );
    }
    assert.equal(await (await fetch(`${base}/open`)).text(), 'open');
    await assert.rejects(clusterFetch(stranger, `${base}/get`, { timeoutMs }), /refused our signature/);
  });

  it('refuses a body that was changed on its way', async () => {
    const headers = {
      ...auth.signHeaders({ method: 'POST', path: '/json', body: '{"a":1}' }),
      'content-type': 'application/json',
    };
    assert.equal((await fetch(`${base}/json`, { method: 'POST', body: '{"a":2}', headers })).status, 401);
    assert.equal((await fetch(`${base}/json`, { method: 'POST', body: '{"a":1}', headers })).status, 200);
    assert.equal((await fetch(`${base}/json`, { method: 'POST', body: '{"a":1}', headers })).status, 401, 'a replay');
  });

  it('takes no more of a body than the route allows', async () => {
    await assert.rejects(clusterFetchJson(auth, `${base}/json`, { json: 'x'.repeat(2000), timeoutMs }), /answered 413/);
    const body = Readable.from(Array.from({ length: 20 }, () => 'x'.repeat(1000)));
    const headers = { 'content-type': 'application/json' };
    const chunked = await clusterFetch(auth, `${base}/json`, { method: 'POST', body, headers, timeoutMs });
    assert.equal(chunked.status, 413);
  });

  it('refuses a server that does not hold the secret, and an answer that is too long', async () => {
    const impostor = createServer((_request, response) => response.end('{"peers":[]}')).listen(0, '127.0.0.1');
    await once(impostor, 'listening');
    const url = `http://127.0.0.1:${(impostor.address() as AddressInfo).port}/`;
    await assert.rejects(clusterFetchJson(auth, url, { timeoutMs }), /no shoal-proof/);
    const answer = await clusterFetch(clusterAuth(undefined), url, { timeoutMs });
    await assert.rejects(readBytes(answer, 5), /larger than 5 bytes/);
    impostor.close();
  });

  it('asks once more when a connection ends before the answer to a GET, and signs anew', async () => {
    const nonces: string[] = [];
    const server = createServer(({ headers, socket }, response) => {
      nonces.push(String(headers['shoal-nonce']));
      if (nonces.length === 1) return socket.destroy();
      return response.writeHead(200, auth.answerHeaders(nonces[1] ?? '', 200)).end('again');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const answer = await clusterFetch(auth, url, { timeoutMs });
    assert.equal(await answer.body.text(), 'again');
    assert.equal(new Set(nonces).size, 2);
    server.closeAllConnections();
    server.close();
  });

  it('asks no third time, and only once with a body', async () => {
    let requests = 0;
    const server = createServer(({ socket }) => {
      requests++;
      socket.destroy();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await assert.rejects(clusterFetch(auth, url, { timeoutMs }));
    assert.equal(requests, 2);
    await assert.rejects(clusterFetch(auth, url, { method: 'POST', body: '{}', timeoutMs }));
    assert.equal(requests, 3);
    server.close();
  });
});
