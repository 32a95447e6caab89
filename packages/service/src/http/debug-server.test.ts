import assert from 'node:assert/strict';
import { request } from 'node:http';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { it } from 'node:test';
import { formatAddress } from '@shoal/core';
import { ConfigError } from '../config/error.ts';
import { DebugServer } from './debug-server.ts';

const listen = { host: '127.0.0.1', port: 0 };

it('shows registered dumps as JSON', async () => {
  await using debug = await DebugServer.listen({ service: 'agent', listen });
  debug.register('swarms', (query) => ({ count: 2, only: query.get('only') }));
  debug.register('failing', () => {
    throw new Error('no state yet');
  });
  const get = async (path: string) => {
    const answer = await fetch(`http://${formatAddress(debug.address)}${path}`);
    return { status: answer.status, body: await answer.json() };
  };
  assert.deepEqual(await get('/debug/swarms?only=x'), { status: 200, body: { count: 2, only: 'x' } });
  assert.deepEqual(await get('/debug'), { status: 200, body: { dumps: ['swarms', 'failing'] } });
  assert.deepEqual(await get('/debug/failing'), { status: 500, body: { error: 'no state yet' } });
  assert.deepEqual(await get('/debug/x'), {
    status: 404,
    body: { error: '/debug/x is unknown; there are /debug/swarms, /debug/failing' },
  });
});

it('refuses to listen beyond loopback', async () => {
  for (const host of ['0.0.0.0', '::', '10.0.0.1']) {
    await assert.rejects(DebugServer.listen({ service: 'agent', listen: { host, port: 0 } }), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /debug\.host: ".*" is not allowed; allowed is a loopback address/);
      return true;
    });
  }
});

it('refuses a page that reaches it under a name of its own', async () => {
  await using debug = await DebugServer.listen({ service: 'agent', listen });
  const asked = request({ ...debug.address, path: '/debug', headers: { host: 'evil.example:7023' } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  assert.equal(answer.statusCode, 403);
});
