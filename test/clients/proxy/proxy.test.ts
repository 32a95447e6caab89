import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { KiB } from '@shoal/core';
import { HttpSide } from '../../support/upstream/http-side.ts';
import { sendBytes } from '../../support/upstream/storage.ts';
import { type ByteFault, FaultPlan } from './byte-fault.ts';
import { HttpProxy } from './http-proxy.ts';
import { TcpProxy } from './tcp-proxy.ts';

const blob = randomBytes(600 * KiB);

interface Behind extends AsyncDisposable {
  readonly proxy: HttpProxy;
  get(path: string, headers?: Record<string, string>): Promise<{ bytes: Buffer; complete: boolean }>;
}

/** An HTTP proxy with a fault, in front of a server that gives the blob at every path. */
const behind = async (fault?: ByteFault): Promise<Behind> => {
  const side = await HttpSide.start(false, (request, reply) =>
    sendBytes(reply, blob, request.headers.range, undefined),
  );
  const proxy = await HttpProxy.start(() => side.url, '/blobs/');
  proxy.plan = new FaultPlan(fault);
  return {
    proxy,
    get: async (path, headers = {}) => {
      const chunks: Uint8Array[] = [];
      const answer = await fetch(proxy.url + path, { headers, signal: AbortSignal.timeout(10_000) });
      try {
        for await (const chunk of answer.body ?? []) chunks.push(chunk);
      } catch {
        return { bytes: Buffer.concat(chunks), complete: false };
      }
      return { bytes: Buffer.concat(chunks), complete: true };
    },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await side[Symbol.asyncDispose]();
    },
  };
};

describe('the HTTP proxy', () => {
  test('forwards ranges and bodies, and counts bytes of blobs', async () => {
    await using server = await behind();
    const half = server.proxy.afterBytes(300 * KiB, AbortSignal.timeout(10_000));
    const { bytes } = await server.get('/blobs/a', { range: 'bytes=1000-' });
    await half;
    await server.get('/manifests/a');
    assert.deepEqual(bytes, blob.subarray(1000));
    assert.equal(server.proxy.forwarded, blob.length - 1000);
  });

  test('truncates the first body of each path after so many bytes, and no manifest', async () => {
    await using server = await behind({ kind: 'truncate', afterBytes: 200_001 });
    const first = await server.get('/blobs/a');
    assert.deepEqual([first.complete, first.bytes.equals(blob.subarray(0, 200_001))], [false, true]);
    assert.equal((await server.get('/blobs/a')).complete, true);
    assert.equal((await server.get('/blobs/b')).complete, false);
    assert.equal((await server.get('/manifests/a')).complete, true);
    assert.equal(server.proxy.plan.applied, 2);
  });

  test('changes one byte', async () => {
    await using server = await behind({ kind: 'corrupt', afterBytes: 70_000 });
    const { bytes } = await server.get('/blobs/a');
    const wrong = [...bytes.keys()].filter((at) => bytes[at] !== blob[at]);
    assert.deepEqual([bytes.length, wrong], [blob.length, [70_000]]);
  });

  test('stalls after so many bytes until the client leaves', async () => {
    await using server = await behind({ kind: 'stall', afterBytes: 100_000 });
    const leave = new AbortController();
    const answer = await fetch(`${server.proxy.url}/blobs/a`, { signal: leave.signal });
    let received = 0;
    await assert.rejects(async () => {
      for await (const chunk of answer.body ?? []) {
        received += chunk.length;
        if (received === 100_000) setImmediate(() => leave.abort());
      }
    }, /abort/i);
    assert.deepEqual([received, server.proxy.plan.applied], [100_000, 1]);
  });

  test('breaks off what it has stalled when the plan ends', async () => {
    await using server = await behind({ kind: 'stall', afterBytes: 100_000 });
    const getting = server.get('/blobs/a');
    await server.proxy.afterBytes(100_000, AbortSignal.timeout(10_000));
    server.proxy.plan.end();
    const { bytes, complete } = await getting;
    assert.deepEqual([bytes.length, complete], [100_000, false]);
  });

  test('slows every body down', async () => {
    await using server = await behind({ kind: 'slow', bytesPerSecond: 2000 * KiB });
    const beforeMs = performance.now();
    for (const path of ['/blobs/a', '/blobs/a']) assert.deepEqual((await server.get(path)).bytes, blob);
    assert.ok(performance.now() - beforeMs >= 550, 'it cannot be faster than the rate');
    assert.equal(server.proxy.plan.applied, 2);
  });

  test('refuses connections, and takes them again at the same port', async () => {
    await using server = await behind();
    const { url } = server.proxy;
    await server.proxy.refuse();
    await assert.rejects(fetch(url), (error: Error) => (error.cause as { code?: string }).code === 'ECONNREFUSED');
    await server.proxy.listen();
    assert.equal((await server.get('/blobs/a')).complete, true);
    assert.equal(server.proxy.url, url);
  });

  test('breaks off when the server behind does', async () => {
    await using side = await HttpSide.start(false, (_, reply) => sendBytes(reply, blob, undefined, 5000));
    await using proxy = await HttpProxy.start(() => side.url, '/blobs/');
    await assert.rejects(fetch(`${proxy.url}/blobs/a`).then((answer) => answer.arrayBuffer()));
  });
});

test('the TCP proxy cuts a connection that has sent enough, once', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).end(blob)).listen({
    host: '127.0.0.1',
    port: 0,
  });
  await once(server, 'listening');
  await using proxy = await TcpProxy.start(() => (server.address() as AddressInfo).port);
  proxy.plan = new FaultPlan({ kind: 'truncate', afterBytes: 12_345 });
  const received: number[] = [];
  for (let turn = 0; turn < 2; turn++) {
    const socket = connect({ host: '127.0.0.1', port: proxy.port });
    const chunks = await Array.fromAsync(socket as AsyncIterable<Buffer>).catch(() => []);
    received.push(Buffer.concat(chunks).length);
  }
  server.close();
  assert.deepEqual(received, [12_345, blob.length]);
  assert.equal(proxy.plan.applied, 1);
});

test('a plan counts the bytes of a connection that stands from when it is set', async () => {
  const pieces = [blob.subarray(0, 100_000), blob.subarray(100_000)];
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => socket.write(pieces.shift() ?? ''));
  }).listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  await using proxy = await TcpProxy.start(() => (server.address() as AddressInfo).port);
  const socket = connect({ host: '127.0.0.1', port: proxy.port });
  let received = 0;
  socket.on('error', () => {}).on('data', (chunk) => (received += chunk.length));
  socket.write('.');
  while (received < 100_000) await once(socket, 'data');
  proxy.plan = new FaultPlan({ kind: 'truncate', afterBytes: 50_000 });
  socket.write('.');
  await once(socket, 'close');
  server.close();
  assert.equal(proxy.plan.applied, 1);
  assert.ok(received >= 150_000 && received < blob.length, `${received} bytes`);
});
