import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { field, frame, pullByCri } from './cri.ts';

/** A runtime that answers every call in the same way, and what it was asked. */
const withRuntime = async (
  answer: { readonly body?: Buffer; readonly trailers: Record<string, string> },
  use: (socket: string, asked: Buffer[]) => Promise<void>,
): Promise<void> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'cri-'));
  const asked: Buffer[] = [];
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream) => {
    void Array.fromAsync(stream as AsyncIterable<Buffer>).then((chunks) => {
      asked.push(Buffer.concat(chunks));
      if (!answer.body) return stream.respond({ ':status': 200, ...answer.trailers }, { endStream: true });
      stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers(answer.trailers));
      return stream.end(answer.body);
    });
  });
  try {
    server.listen(path.join(folder, 'socket'));
    await once(server, 'listening');
    await use(path.join(folder, 'socket'), asked);
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
};

const inTime = (): AbortSignal => AbortSignal.timeout(10_000);

test('asks for the image and returns the reference of the runtime', async () => {
  const id = `sha256:${'ab'.repeat(32)}`;
  const trailers = { 'grpc-status': '0' };
  await withRuntime({ body: frame(field(1, Buffer.from(id))), trailers }, async (socket, asked) => {
    assert.equal(await pullByCri(socket, { reference: 'reg.test/a:1' }, inTime()), id);
    // PullImageRequest { image: ImageSpec { image: 'reg.test/a:1' } }, as protoc encodes it
    assert.equal(asked[0]?.toString('hex'), `00${'00000010'}0a0e0a0c${Buffer.from('reg.test/a:1').toString('hex')}`);
  });
});

test('brings the credentials of the pod', async () => {
  const body = frame(field(1, Buffer.from(`sha256:${'ab'.repeat(32)}`)));
  await withRuntime({ body, trailers: { 'grpc-status': '0' } }, async (socket, asked) => {
    const login = { name: 'u', password: 'pw' };
    await pullByCri(socket, { reference: 'a:1', login }, inTime());
    // and AuthConfig { username: 'u', password: 'pw' }
    assert.equal(
      asked[0]?.toString('hex'),
      '00000000100a050a03613a3112070a01751202' + Buffer.from('pw').toString('hex'),
    );
  });
});

for (const body of [undefined, Buffer.alloc(0)]) {
  test(`throws what a call ended with, ${body ? 'after' : 'without'} a body`, async () => {
    const trailers = { 'grpc-status': '5', 'grpc-message': 'no%20such%20image' };
    await withRuntime(body ? { body, trailers } : { trailers }, async (socket) => {
      await assert.rejects(pullByCri(socket, { reference: 'reg.test/a:1' }, inTime()), /gRPC status 5: no such image/);
    });
  });
}
