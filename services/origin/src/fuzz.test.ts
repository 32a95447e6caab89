import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { digestBytes } from './testing/registry-client.ts';
import { startOrigin, type TestOrigin } from './testing/test-origin.ts';

/** Sends a request as it stands and gives the status of the answer, or 0 when the connection ends without one. */
const statusOf = (port: number, request: string): Promise<number> =>
  new Promise((resolve) => {
    let text = '';
    const done = (): void => {
      socket.destroy();
      resolve(Number(/^HTTP\/1.1 (\d{3})/.exec(text)?.[1] ?? 0));
    };
    const socket = connect(port, '127.0.0.1', () => socket.end(request, 'latin1'));
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (text.includes('\r\n\r\n')) done();
    });
    socket.on('end', done);
    socket.on('error', done);
  });

const digest = digestBytes('fuzz');

const segment = fc.oneof(
  fc.constantFrom(
    'blobs',
    'uploads',
    'manifests',
    'tags',
    'list',
    'referrers',
    'app',
    '..',
    '.',
    '',
    '%2e%2e',
    '%00',
    '%',
    '%ff',
    'v1',
    'a'.repeat(300),
    digest,
    'sha512:abc',
  ),
  fc.string({ maxLength: 20 }).map((text) => text.replace(/[\s\0-\x20\x7f-\uffff]/g, '_')),
);
const path = fc.array(segment, { maxLength: 7 }).map((parts) => parts.join('/'));
const root = fc.constantFrom('/v2/', '/shoal/v1/', '/shoal/v1/namespaces/', '/shoal/v1/content/', '/');
const query = fc.constantFrom(
  '',
  '?',
  '?n=-1',
  '?n=1e9',
  '?n=x&last=%zz',
  '?digest=sha256:x',
  `?digest=${digest}`,
  `?mount=${digest}&from=../x`,
  '?repository=a',
  '?tag=%20',
  '?tag=a&tag=-b',
  '?artifactType=%',
);
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS');
const header = fc.constantFrom(
  '',
  'Range: bytes=5-1\r\n',
  'Range: bytes=99999999999999999999-\r\n',
  'Content-Range: 5-1\r\n',
  'Content-Range: 0-99999999999999999999\r\n',
  'Content-Type: a/b; c\r\n',
  'Content-Type: nonsense\r\n',
  'Authorization: Basic ///\r\n',
  'If-None-Match: "\r\n',
  'Accept: */*, , ;\r\n',
  'Transfer-Encoding: chunked\r\n\r\nzz\r\n',
  'Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n',
  'Content-Length: 2\r\n\r\n{}',
  'Content-Length: 10\r\n\r\n{}',
);

describe('malformed requests', () => {
  let test: TestOrigin;
  before(async () => {
    test = await startOrigin();
    await test.client.pushImage('app', 'v1');
  });
  after(() => test[Symbol.asyncDispose]());

  it('are never answered with a failure of the server', async () => {
    const { port } = test.origin.addresses.registry;
    await fc.assert(
      fc.asyncProperty(method, root, path, query, header, async (verb, prefix, rest, search, extra) => {
        const status = await statusOf(
          port,
          `${verb} ${prefix}${rest}${search} HTTP/1.1\r\nHost: localhost\r\n${extra}\r\n`,
        );
        assert.ok(status < 500, `${status}`);
      }),
      { numRuns: 800 },
    );
    assert.equal((await test.client.call('GET', '/v2/app/manifests/v1')).status, 200);
  });

  it("reach no file outside the origin's folder", async () => {
    const { port } = test.origin.addresses.registry;
    for (const target of [
      '/v2/../../../../etc/passwd',
      '/v2/..%2f..%2f..%2fetc/manifests/passwd',
      '/v2/app/manifests/..%2f..%2f..%2fsigning-key.pem',
      '/v2/app/blobs/uploads/..%2f..%2fsigning-key',
      '/v2/_blobs/manifests/v1',
      '/v2/app/_tags/manifests/v1',
      '/shoal/v1/tags/..%2fv1?repository=app',
      '/shoal/v1/namespaces/..%2f..%2f/blobs/x',
      `/shoal/v1/content/${digest}?repository=..%2fapp`,
    ]) {
      const status = await statusOf(port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      assert.ok(status >= 400 && status < 500, `${target}: ${status}`);
    }
  });
});
