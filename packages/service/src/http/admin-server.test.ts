import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { once } from 'node:events';
import { it } from 'node:test';
import { formatAddress } from '@shoal/core';
import { defineMetrics } from '../define-metrics.ts';
import { createMetrics } from '../metrics.ts';
import { AdminServer } from './admin-server.ts';
import { ListenError } from './listen.ts';

const listen = { host: '127.0.0.1', port: 0 };

const start = async (): Promise<{
  admin: AdminServer;
  get: (path: string, init?: RequestInit) => Promise<Response>;
}> => {
  const admin = await AdminServer.listen({
    service: 'agent',
    listen,
    metrics: createMetrics(defineMetrics('agent', {})),
  });
  return { admin, get: (path, init) => fetch(`http://${formatAddress(admin.address)}${path}`, init) };
};

it('is live at once, and ready only when started and every check passes', async () => {
  const { admin, get } = await start();
  await using _ = admin;
  let missing: string | undefined = 'no tracker answers';
  admin.check('tracker', () => missing);
  admin.check('store', async () => undefined);
  admin.note('origin', () => 'it is down');
  assert.equal((await get('/livez')).status, 200);

  const readyz = async () => {
    const answer = await get('/readyz');
    return { status: answer.status, ...((await answer.json()) as { ready: boolean; checks: object }) };
  };
  assert.deepEqual(await readyz(), {
    status: 503,
    service: 'agent',
    ready: false,
    checks: { process: 'the process is starting', tracker: 'no tracker answers', store: 'ok' },
    notes: { origin: 'it is down' },
  });
  admin.started();
  missing = undefined;
  assert.deepEqual(await readyz(), {
    status: 200,
    service: 'agent',
    ready: true,
    checks: { process: 'ok', tracker: 'ok', store: 'ok' },
    notes: { origin: 'it is down' },
  });
  admin.stopping();
  assert.equal((await readyz()).status, 503);
  assert.equal((await get('/livez')).status, 200);
});

it('counts a check that throws, or never answers, as failed', async (t) => {
  const { admin, get } = await start();
  await using _ = admin;
  admin.started();
  admin.check('broken', () => {
    throw new Error('it broke');
  });
  assert.match(await (await get('/readyz')).text(), /it broke/);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const asked = Promise.withResolvers<void>();
  admin.check('silent', () => {
    asked.resolve();
    return new Promise(() => {});
  });
  const answer = get('/readyz');
  await asked.promise;
  t.mock.timers.tick(2000);
  assert.match(await (await answer).text(), /"silent": "the check took longer than 2000 ms"/);
});

it('serves metrics, HEAD, 404 with what there is, and 405 to all else', async () => {
  const { admin, get } = await start();
  await using _ = admin;
  const metrics = await get('/metrics');
  assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  assert.match(await metrics.text(), /^# HELP /m);
  assert.equal(await (await get('/livez', { method: 'HEAD' })).text(), '');
  assert.match(await (await get('/nothing')).text(), /\/readyz/);
  const post = await get('/metrics', { method: 'POST', body: 'x'.repeat(100_000) });
  assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
});

it('answers garbage with 400 and goes on', async () => {
  const { admin, get } = await start();
  await using _ = admin;
  const socket = connect(admin.address.port, admin.address.host);
  socket.end('\0\x01 garbage\r\n\r\n');
  const [data] = (await once(socket, 'data')) as [Buffer];
  assert.match(data.toString(), /^HTTP\/1\.1 400 /);
  assert.equal((await get('/livez')).status, 200);
});

it('names the port and the key when the port is in use', async () => {
  const { admin } = await start();
  await using _ = admin;
  const again = AdminServer.listen({
    service: 'agent',
    listen: admin.address,
    metrics: createMetrics(defineMetrics('agent', {})),
  });
  await assert.rejects(again, (error) => {
    assert.ok(error instanceof ListenError);
    assert.match(
      error.message,
      new RegExp(`^admin\\.port: cannot listen on 127\\.0\\.0\\.1:${admin.address.port}: the port is in use`),
    );
    return true;
  });
});
