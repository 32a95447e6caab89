import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, request as forward } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import path from 'node:path';
import { run } from '../support/run.ts';

/** Docker Hub for a docker daemon of ours: where its pulls end when a mirror fails. */
export interface Hub extends AsyncDisposable {
  /** What makes the daemon reach and trust it. */
  readonly environment: Record<string, string>;
}

const names = ['registry-1.docker.io', 'index.docker.io', 'auth.docker.io'];

/** A TLS server with the names of Docker Hub in front of a registry, and the HTTP proxy that leads there alone. */
export const startHub = async (folder: string, registry: () => string): Promise<Hub> => {
  const [key, cert] = [path.join(folder, 'hub-key.pem'), path.join(folder, 'hub-cert.pem')];
  const subject = ['-subj', '/CN=hub', '-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await run('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert]);
  const tls = createTlsServer({ key: await readFile(key), cert: await readFile(cert) }, (request, reply) => {
    const { method, headers, url = '' } = request;
    const behind = forward(registry() + url, { method, headers });
    behind.on('error', () => reply.destroy());
    behind.on('response', (answer) => {
      reply.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(reply);
      answer.on('error', () => reply.destroy());
    });
    request.pipe(behind);
  });
  const proxy = createServer((_request, reply) => reply.writeHead(403).end());
  proxy.on('connect', (request, client) => {
    if (!names.includes(request.url?.split(':')[0] ?? '')) return client.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const server = connect({ host: '127.0.0.1', port: (tls.address() as AddressInfo).port }, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      server.pipe(client);
      client.pipe(server);
    });
    for (const socket of [client, server]) socket.on('error', () => [client, server].forEach((one) => one.destroy()));
  });
  for (const server of [tls, proxy]) {
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
  }
  return {
    environment: {
      HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
      NO_PROXY: '127.0.0.1,localhost',
      SSL_CERT_FILE: cert,
    },
    [Symbol.asyncDispose]: async () => {
      for (const server of [tls, proxy]) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
};
