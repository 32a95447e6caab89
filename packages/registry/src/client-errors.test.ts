import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, Socket } from 'node:net';
import { describe, it } from 'node:test';
import { ClientErrors } from './client-errors.ts';
import { createRegistryServer, type RegistryServerOptions } from './server.ts';
import { get, rawRequest } from './testing/raw-client.ts';

const startServer = async (options: Partial<RegistryServerOptions> = {}) => {
  const logged: object[] = [];
  const log = { error: (fields: object) => logged.push(fields), info: (fields: object) => logged.push(fields) };
  const app = createRegistryServer({ log, ...options });
  app.get('/known', async () => 'fine');
  app.get('/long', (_request, reply) => {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-length': 100 });
    reply.raw.write('begun');
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { port, logged, [Symbol.asyncDispose]: () => app.close() };
};

const refused = [
  ['no HTTP', 'hello\r\n\r\n', 400, 'REQUEST_MALFORMED', 'HPE_INVALID_METHOD'],
  ['no Host', 'GET /known HTTP/1.1\r\n\r\n', 400, 'REQUEST_MALFORMED', 'no Host'],
  ['no Host on an unknown path', 'GET /nothing HTTP/1.1\r\n\r\n', 400, 'REQUEST_MALFORMED', 'no Host'],
  ['large headers', get('/known', { x: 'y'.repeat(20_000) }), 431, 'HEADERS_TOO_LARGE', 'HPE_HEADER_OVERFLOW'],
  ['headers that do not end', 'GET /known HTTP/1.1\r\nHost:', 408, 'REQUEST_TIMEOUT', 'ERR_HTTP_REQUEST_TIMEOUT'],
] as const;

describe('malformed requests', () => {
  for (const [name, request, status, code, reason] of refused) {
    it(`${name}: ${status} ${code} in JSON, FIN, and a line in the log`, async () => {
      await using server = await startServer({ headerBytesMax: 8192, headersTimeoutMs: 200 });
      const { head, body, ended } = await rawRequest(server.port, request);
      assert.match(head, new RegExp(`^HTTP/1.1 ${status} `));
      assert.match(head, /content-type: application\/json/i);
      assert.match(head, /connection: close/i);
      const { errors } = JSON.parse(body.toString()) as { errors: { code: string; message: string }[] };
      assert.equal(errors[0]?.code, code);
      assert.ok(errors[0].message.length > 10);
      assert.equal(ended, 'fin');
      assert.deepEqual(server.logged, [{ code, reason, remote: '127.0.0.1' }]);
    });
  }

  it('are answered once, however much follows', async () => {
    await using server = await startServer();
    const { head, body } = await rawRequest(server.port, 'nonsense\r\n\r\n'.repeat(100_000));
    assert.match(head, /^HTTP\/1.1 400 /);
    assert.equal(body.toString().split('errors').length, 2);
    assert.equal(server.logged.length, 1);
  });

  it('do not get into a body that is on its way', async () => {
    await using server = await startServer();
    const socket = connect(server.port, '127.0.0.1');
    let received = '';
    socket.on('data', (chunk: Buffer) => {
      if (received === '') socket.write('nonsense\r\n\r\n');
      received += chunk.toString();
    });
    socket.write(get('/long'));
    await once(socket, 'close');
    assert.match(received, /\r\n\r\nbegun$/);
    assert.equal(server.logged.length, 1);
  });

  it('leave HTTP/1.0 without Host alone', async () => {
    await using server = await startServer();
    assert.match((await rawRequest(server.port, 'GET /known HTTP/1.0\r\n\r\n')).head, /^HTTP\/1.1 200 /);
    assert.deepEqual(server.logged, []);
  });

  it('write a line a second at most, which counts the others', () => {
    const logged: object[] = [];
    let nowMs = 0;
    const errors = new ClientErrors({ info: (fields) => void logged.push(fields) }, () => nowMs);
    const refuse = (): void => {
      const socket = new Socket();
      Object.defineProperty(socket, 'writable', { value: true });
      errors.handle(new Error('nonsense'), socket);
      socket.destroy();
    };
    for (let count = 0; count < 50; count++) refuse();
    nowMs = 1_000;
    refuse();
    nowMs = 2_000;
    refuse();
    assert.deepEqual(
      logged.map((fields) => (fields as { unlogged?: number }).unlogged),
      [undefined, 49, undefined],
    );
  });

  it('of who has left are not worth a line', async () => {
    await using server = await startServer();
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.write('GET /kno', () => socket.resetAndDestroy()));
      socket.on('close', () => resolve());
    });
    assert.match((await rawRequest(server.port, get('/known', { connection: 'close' }))).head, / 200 /);
    assert.deepEqual(server.logged, []);
  });
});
