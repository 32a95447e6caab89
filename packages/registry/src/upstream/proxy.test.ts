import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { FakeUpstream } from '../../../../test/support/upstream/fake-upstream.ts';
import { clientOf, collect, digest, forever, name, reference } from './testing/client.ts';

/** A proxy that tunnels for who has the login, and tells what it was asked for. */
const startProxy = async (login: string) => {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on('connect', ({ url = '', headers }: IncomingMessage, client: Socket) => {
    asked.push(url);
    if (headers['proxy-authorization'] !== `Basic ${Buffer.from(login).toString('base64')}`)
      return void client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
    const [host, port] = url.split(':');
    const target = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      target.pipe(client).pipe(target);
    });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  return { asked, port: (server.address() as AddressInfo).port, [Symbol.asyncDispose]: stop };
};

test('everything of an upstream goes through its proxy: registry, token server, storage', async () => {
  await using fake = await FakeUpstream.start({ tls: true, auth: 'bearer', redirects: true });
  await using proxy = await startProxy('u:p');
  await using client = clientOf(fake, { ca: true, proxy: `http://u:p@127.0.0.1:${proxy.port}` });
  fake.addImage('team/app', '1', [10]);
  await client.upstream.manifest(name('team/app'), reference('1'));
  const bytes = Buffer.alloc(100_000, 7);
  const { chunks } = await client.upstream.blob(name('team/app'), digest(fake.addBlob(bytes)), 0, forever);
  assert.deepEqual(await collect(chunks), bytes);
  assert.equal(new Set(proxy.asked).size, 3);
  assert.ok(proxy.asked.includes(fake.host));
});

test('a proxy that refuses, or is not there, is an upstream that cannot be reached; its login is not told', async () => {
  await using fake = await FakeUpstream.start({ tls: true });
  await using proxy = await startProxy('u:p');
  const refused = async (address: string): Promise<void> => {
    await using client = clientOf(fake, { ca: true, proxy: address });
    await assert.rejects(
      client.upstream.tagDigest(name('team/app'), '1', { hurried: true }),
      (error: Error & { code?: string }) => {
        assert.doesNotMatch(error.message, /hunter2/);
        return error.code === 'UPSTREAM_UNREACHABLE';
      },
    );
  };
  await refused(`http://u:hunter2@127.0.0.1:${proxy.port}`);
  await refused('http://u:hunter2@127.0.0.1:1');
  assert.equal(fake.log.length, 0);
});
