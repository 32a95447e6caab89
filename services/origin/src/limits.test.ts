import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { MiB } from '@shoal/core';
import { digestBytes } from './testing/registry-client.ts';
import { startOrigin, type TestOrigin } from './testing/test-origin.ts';

const metric = async (test: TestOrigin, name: string): Promise<number> => {
  const text = await (await fetch(`${test.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^${name.replace(/[{}]/g, '\\$&')} (\\S+)$`, 'm').exec(text)?.[1]);
};

const until = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
};

describe('limits of the origin', () => {
  it('refuses a body beyond those it receives already', async () => {
    await using test = await startOrigin({ uploads: { activeMax: 1 } });
    const location = await test.client.startUpload('lim/app');
    const body = new PassThrough();
    const running = test.client.call('PATCH', location, { body });
    body.write('begun');
    await until(async () => (await metric(test, 'shoal_origin_uploads_active')) === 1);
    const refused = await test.client.call('PATCH', await test.client.startUpload('lim/app'), { body: 'x' });
    assert.deepEqual([refused.status, refused.code, refused.headers['retry-after']], [503, 'BUSY', '1']);
    body.end();
    assert.equal((await running).status, 202);
    assert.equal(
      (await test.client.call('PATCH', await test.client.startUpload('lim/app'), { body: 'x' })).status,
      202,
    );
  });

  it('refuses uploads beyond those that are open', async () => {
    await using test = await startOrigin({ uploads: { openMax: 2 } });
    await test.client.startUpload('lim/app');
    await test.client.startUpload('lim/app');
    const refused = await test.client.call('POST', '/v2/lim/app/blobs/uploads/');
    assert.deepEqual([refused.status, refused.code], [429, 'TOOMANYREQUESTS']);
  });

  it('refuses blobs that are too large, of known and of unknown length, in one chunk or several', async () => {
    await using test = await startOrigin({ uploads: { blobBytesMax: '1KiB' } });
    const large = randomBytes(1025);
    for (const body of [
      large,
      (async function* () {
        yield large;
      })(),
    ]) {
      const answer = await test.client.call('PATCH', await test.client.startUpload('lim/app'), { body });
      assert.deepEqual([answer.status, answer.code], [413, 'SIZE_INVALID']);
    }
    const location = await test.client.startUpload('lim/app');
    assert.equal((await test.client.call('PATCH', location, { body: large.subarray(0, 1000) })).status, 202);
    assert.equal((await test.client.call('PATCH', location, { body: large.subarray(1000) })).status, 413);
    assert.equal(await test.client.pushBlob('lim/app', large.subarray(1)), digestBytes(large.subarray(1)));
  });

  it('gives up a client that sends nothing in the middle of a body, and keeps what came', async () => {
    await using test = await startOrigin({ uploads: { idleTimeoutMs: '1s' } });
    const location = await test.client.startUpload('lim/app');
    const socket = connect(test.origin.addresses.registry.port, '127.0.0.1');
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n0123456789`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1.1 408 /);
    socket.destroy();
    assert.equal((await test.client.call('GET', location)).headers['range'], '0-9');
  });

  it('gives up a client that drips in the middle of a body, and keeps what came', async () => {
    await using test = await startOrigin({ uploads: { idleTimeoutMs: '1s' } });
    const location = await test.client.startUpload('lim/app');
    const socket = connect(test.origin.addresses.registry.port, '127.0.0.1');
    const answered = once(socket, 'data') as Promise<[Buffer]>;
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n`);
    const drip = setInterval(() => socket.write('x'), 100);
    const [answer] = await answered;
    clearInterval(drip);
    socket.destroy();
    assert.match(answer.toString(), /^HTTP\/1.1 408 [^]*"BODY_STALLED"[^]*allowed are 1024 a second/);
    assert.equal(await metric(test, 'shoal_origin_uploads_active'), 0);
    const kept = Number(/-(\d+)$/.exec(String((await test.client.call('GET', location)).headers['range']))?.[1]) + 1;
    assert.ok(kept > 1, `${kept} bytes were kept`);
    const headers = { 'content-range': `${kept}-${kept + 9}` };
    assert.equal((await test.client.call('PATCH', location, { body: 'y'.repeat(10), headers })).status, 202);
    const digest = digestBytes('x'.repeat(kept) + 'y'.repeat(10));
    assert.equal((await test.client.call('PUT', location, { query: { digest } })).status, 201);
  });

  it('keeps what came of a chunk whose client left, and refuses nothing after it', async () => {
    await using test = await startOrigin();
    const location = await test.client.startUpload('lim/app');
    const socket = connect(test.origin.addresses.registry.port, '127.0.0.1');
    socket.write(`PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n0123456789`);
    await until(async () => (await metric(test, 'shoal_origin_received_bytes_total')) === 10);
    socket.destroy();
    await until(async () => (await metric(test, 'shoal_origin_uploads_active')) === 0);
    assert.equal(
      (await test.client.call('PATCH', location, { body: 'abc', headers: { 'content-range': '10-12' } })).status,
      202,
    );
    const answer = await test.client.call('PUT', location, { query: { digest: digestBytes('0123456789abc') } });
    assert.equal(answer.status, 201);
    assert.equal(
      await metric(test, 'shoal_origin_requests_total{api="registry",method="PATCH",status="500"}'),
      Number.NaN,
    );
  });

  it('sends so many bodies at once: an agent is told to come back, a client has its turn', async () => {
    await using test = await startOrigin({ pulls: { activeMax: 1 } });
    // More than the buffers of two sockets hold.
    const large = await test.client.pushBlob('lim/app', Buffer.alloc(32 * MiB));
    const bytes = randomBytes(MiB);
    const digest = await test.client.pushBlob('lim/app', bytes);
    const small = await test.client.pushBlob('lim/app', randomBytes(1000));
    const get = `GET /v2/lim/app/blobs/${large} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const holding = connect(test.origin.addresses.registry.port, '127.0.0.1', () => holding.write(get));
    await once(holding, 'readable');
    const content = (of: string) =>
      test.client.call('GET', `/shoal/v1/content/${of}`, { query: { repository: 'lim/app' } });
    const refused = await content(digest);
    assert.deepEqual([refused.status, refused.code, refused.headers['retry-after']], [503, 'BUSY', '1']);
    assert.equal((await content(small)).status, 200);
    const waiting = test.client.call('GET', `/v2/lim/app/blobs/${digest}`);
    const beyond = test.client.call('GET', `/shoal/v1/namespaces/lim/app/blobs/${digest}`);
    const first = await Promise.race([waiting, beyond]);
    assert.deepEqual([first.status, first.code], [503, 'BUSY'], 'as many wait as have a place');
    holding.destroy();
    const answers = await Promise.all([waiting, beyond]);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 503]));
    assert.ok(answers.find(({ status }) => status === 200)?.bytes.equals(bytes));
    assert.equal((await content(digest)).status, 200);
  });

  it('counts what it sends to clients', async () => {
    await using test = await startOrigin();
    const digest = await test.client.pushBlob('lim/app', randomBytes(12_345));
    await test.client.call('GET', `/v2/lim/app/blobs/${digest}`);
    await test.client.call('GET', `/shoal/v1/content/${digest}?repository=lim/app`);
    for (const to of ['client', 'http'])
      assert.equal(await metric(test, `shoal_origin_sent_bytes_total{to="${to}"}`), 12_345);
  });
});
