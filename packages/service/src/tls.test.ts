import assert from 'node:assert/strict';
import { request } from 'node:https';
import { createServer } from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { it } from 'node:test';
import { TlsFileError, loadAuthorities, loadTls } from './tls.ts';

/** Made for these tests, used nowhere else. */
const fixture = (name: string): string => fileURLToPath(new URL(`../test/tls/test-only-${name}.pem`, import.meta.url));
const certFile = fixture('cert');
const keyFile = fixture('key');

it('loads files that a server and a client work with', async () => {
  const server = createServer(loadTls('registry.tls', { certFile, keyFile }), (_request, response) =>
    response.end('ok'),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asked = request({ host: '127.0.0.1', port, ca: loadAuthorities('tls.caFile', certFile), agent: false }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  assert.equal(answer.statusCode, 200);
  server.close();
});

it('loads the authorities beside', () => {
  assert.ok(loadTls('registry.tls', { certFile, keyFile, caFile: certFile }).ca);
});

const wrong: [title: string, files: { certFile: string; keyFile: string; caFile?: string }, message: RegExp][] = [
  [
    'a file that is absent',
    { certFile: '/nowhere.pem', keyFile },
    /^registry\.tls\.certFile: \/nowhere\.pem can't be read: ENOENT/,
  ],
  [
    'a certificate that is none',
    { certFile: keyFile, keyFile },
    /^registry\.tls\.certFile: .* holds no PEM certificate/,
  ],
  ['a key that is none', { certFile, keyFile: certFile }, /^registry\.tls\.keyFile: .* holds no PEM private key/],
  [
    'the key of another certificate',
    { certFile, keyFile: fixture('other-key') },
    /^registry\.tls\.keyFile: .* is not the key of the certificate in /,
  ],
  [
    'an authority that is none',
    { certFile, keyFile, caFile: keyFile },
    /^registry\.tls\.caFile: .* holds no PEM certificate/,
  ],
];
for (const [title, files, message] of wrong) {
  it(`names key and file: ${title}`, () => {
    assert.throws(
      () => loadTls('registry.tls', files),
      (error) => {
        assert.ok(error instanceof TlsFileError);
        assert.match(error.message, message);
        return true;
      },
    );
  });
}
