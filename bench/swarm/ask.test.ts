import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ask } from './ask.ts';

test('a process that is gone, or refuses, is named with its address', async () => {
  const server = createServer((_request, answer) => answer.writeHead(503).end('busy'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  await assert.rejects(ask('the origin', url), { message: `the origin answered 503 at ${url}: busy` });
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
  await assert.rejects(ask('the origin', url), {
    message: new RegExp(`^the origin did not answer at ${url}: .*ECONNREFUSED`),
  });
});
