import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { detectSendfile, type Sendfile } from '@shoal/transport/sendfile';
import { request } from 'undici';
import type { PullOptions } from './pull.ts';
import { ArrivingSource, MemoryRegistry, type PullServer, startPullServer } from './testing/memory-registry.ts';
import { get, pausedRequest, rawRequest } from './testing/raw-client.ts';

const MiB = 1024 * 1024;

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
};

const serve = async (source: ArrivingSource, options: Partial<PullOptions> = {}) => {
  const registry = new MemoryRegistry();
  const digest = registry.addBlob(source);
  const server = await startPullServer(registry, options);
  return { server, path: `/v2/team/app/blobs/${digest}` };
};

const folder = mkdtempSync(join(tmpdir(), 'shoal-send-blob-'));
const files: number[] = [];
after(() => {
  for (const fd of files) closeSync(fd);
  rmSync(folder, { recursive: true });
});

const temporaryFile = (): number => {
  const fd = openSync(join(folder, `${files.length}`), 'wx+');
  files.push(fd);
  return fd;
};

/** The result of the one body that the server has sent. */
const resultOf = async (server: PullServer) => {
  await until(() => server.sent.length > 0);
  return server.sent[0];
};

const sendfile = await detectSendfile('auto');

/** One suite for both ways: what a client sees does not depend on it. */
for (const way of ['read and write', 'sendfile'] as const) {
  describe(`sendBlob by ${way}`, { skip: way === 'sendfile' && !sendfile && 'there is no sendfile(2) here' }, () => {
    const serveBy = async (source: ArrivingSource, options: Partial<PullOptions> = {}) =>
      way === 'sendfile' ? serve(source.inFile(temporaryFile()), { ...options, sendfile }) : serve(source, options);

    it('sends a large blob whole, to several clients at once', async () => {
      const source = new ArrivingSource(randomBytes(9 * MiB + 123));
      const { server, path } = await serveBy(source);
      await using _server = server;
      const bodies = await Promise.all(
        Array.from({ length: 4 }, async () => (await request(server.url + path)).body.bytes()),
      );
      for (const body of bodies) assert.equal(Buffer.compare(body, source.bytes), 0);
      await until(() => source.closed === 4);
      assert.deepEqual(
        server.sent.map(({ outcome, bytes }) => [outcome, bytes]),
        Array(4).fill(['sent', source.size]),
      );
    });

    it('streams what is there while the rest is on its way', async () => {
      const source = new ArrivingSource(randomBytes(2 * MiB), 0);
      const { server, path } = await serveBy(source);
      await using _server = server;
      const answer = request(server.url + path);
      await until(() => source.waiting === 1);
      source.arrive(1000);
      const { body, statusCode } = await answer;
      assert.equal(statusCode, 200);
      const chunks: Buffer[] = [];
      for await (const chunk of body) {
        chunks.push(chunk as Buffer);
        source.arrive(source.size);
      }
      assert.equal(chunks[0]?.length, 1000);
      assert.equal(Buffer.compare(Buffer.concat(chunks), source.bytes), 0);
    });

    it('answers 503 when the first byte does not come in time', async () => {
      const source = new ArrivingSource(randomBytes(100), 0);
      const { server, path } = await serveBy(source, { firstByteTimeoutMs: 20 });
      await using _server = server;
      const { statusCode, headers, body } = await request(server.url + path);
      assert.equal(statusCode, 503);
      assert.equal(headers['docker-content-digest'], undefined);
      assert.match(await body.text(), /SOURCE_STALLED/);
      assert.equal(source.closed, 1);
    });

    for (const [how, fault] of [
      ['stalls', () => undefined],
      ['fails', (source: ArrivingSource) => source.fail(new Error('the swarm is gone'))],
    ] as const) {
      it(`ends with FIN when the source ${how} in the middle`, async () => {
        const source = new ArrivingSource(randomBytes(MiB), 300_000);
        const { server, path } = await serveBy(source, { stallTimeoutMs: how === 'stalls' ? 30 : 60_000 });
        await using _server = server;
        const answer = rawRequest(server.port, get(path) + get('/v2/'));
        await until(() => source.waiting === 1);
        fault(source);
        const { head, body, ended } = await answer;
        assert.match(head, /^HTTP\/1.1 200 .*content-length: 1048576/s);
        assert.equal(ended, 'fin');
        assert.equal(Buffer.compare(body, source.bytes.subarray(0, 300_000)), 0);
        assert.equal((await resultOf(server))?.outcome, 'failed');
        assert.equal(source.closed, 1);
      });
    }

    it('ends running bodies with FIN when the process stops', async () => {
      const source = new ArrivingSource(randomBytes(1000), 10);
      const stop = new AbortController();
      const { server, path } = await serveBy(source, { stop: stop.signal });
      await using _server = server;
      const answer = rawRequest(server.port, get(path));
      await until(() => source.waiting === 1);
      stop.abort(new Error('stopping'));
      const { body, ended } = await answer;
      assert.deepEqual([body.length, ended], [10, 'fin']);
    });

    it('stops reading as soon as the client leaves', async () => {
      const source = new ArrivingSource(randomBytes(64 * MiB));
      const { server, path } = await serveBy(source);
      await using _server = server;
      const socket = await pausedRequest(server.port, get(path));
      await until(() => source.reads > 0);
      socket.destroy();
      assert.equal((await resultOf(server))?.outcome, 'aborted');
      assert.equal(source.closed, 1);
      assert.ok(source.reads < 256, `${source.reads} reads`);
    });

    it('gives up waiting for bytes when the client leaves', async () => {
      const source = new ArrivingSource(randomBytes(1000), 10);
      const { server, path } = await serveBy(source, { stallTimeoutMs: 600_000 });
      await using _server = server;
      const socket = await pausedRequest(server.port, get(path));
      await until(() => source.waiting === 1);
      socket.destroy();
      await until(() => source.waiting === 0);
      assert.equal((await resultOf(server))?.outcome, 'aborted');
    });

    it('waits for a client that reads slowly and gives up one that takes nothing', async () => {
      const source = new ArrivingSource(randomBytes(32 * MiB));
      const { server, path } = await serveBy(source, { stallTimeoutMs: 50 });
      await using _server = server;
      const socket = await pausedRequest(server.port, get(path));
      const result = await resultOf(server);
      assert.equal(result?.outcome, 'failed');
      assert.match(String(result?.error), /took nothing/);
      assert.ok((result?.bytes ?? 0) < source.size);
      socket.resume();
      await once(socket, 'end');
    });

    it('sends an empty blob', async () => {
      const { server, path } = await serveBy(new ArrivingSource(new Uint8Array()));
      await using _server = server;
      const { statusCode, headers, body } = await request(server.url + path);
      assert.deepEqual([statusCode, headers['content-length'], (await body.bytes()).length], [200, '0', 0]);
    });
  });
}

describe('sendBlob with a sendfile that', { skip: !sendfile && 'there is no sendfile(2) here' }, () => {
  /** Counts calls, and what the kernel took. */
  const watched = (inner: Sendfile) => {
    const seen = { calls: 0, bytes: 0 };
    const sendfile: Sendfile = (...args) => {
      const sent = inner(...args);
      seen.calls++;
      seen.bytes += sent;
      return sent;
    };
    return { sendfile, seen };
  };
  const bytes = randomBytes(9 * MiB + 123);
  let turns = 0;

  for (const [what, fake] of [
    ['takes all', sendfile!],
    ['takes odd parts only', (socket, fd, position, length) => sendfile!(socket, fd, position, Math.ceil(length / 3))],
    ['takes every second time', (...args) => (turns++ % 2 === 0 ? 0 : sendfile!(...args))],
  ] as [string, Sendfile][]) {
    it(`${what} sends the same bytes, to several clients, one answer after the other`, async () => {
      const { sendfile: counted, seen } = watched(fake);
      const source = new ArrivingSource(bytes).inFile(temporaryFile());
      const { server, path } = await serve(source, { sendfile: counted });
      await using _server = server;
      const range = get(path, { range: 'bytes=1000-4000000', connection: 'close' });
      const answers = await Promise.all([1, 2].map(() => rawRequest(server.port, get(path) + range)));
      for (const { body } of answers) {
        assert.equal(Buffer.compare(body.subarray(0, bytes.length), bytes), 0);
        assert.equal(Buffer.compare(body.subarray(-3_999_001), bytes.subarray(1000, 4_000_001)), 0);
      }
      assert.ok(seen.bytes > MiB, `${seen.bytes} bytes by sendfile`);
    });
  }

  it('never takes anything is soon not asked any more', async () => {
    const { sendfile: counted, seen } = watched(() => 0);
    const { server, path } = await serve(new ArrivingSource(bytes).inFile(temporaryFile()), { sendfile: counted });
    await using _server = server;
    const body = await (await request(server.url + path)).body.bytes();
    assert.equal(Buffer.compare(body, bytes), 0);
    assert.ok(seen.calls > 0 && seen.calls < 5, `${seen.calls} calls`);
  });

  it('meets the end of a file that was cut short ends with FIN, after what was there', async () => {
    const fd = temporaryFile();
    const source = new ArrivingSource(bytes).inFile(fd);
    const { readInto } = source;
    source.readInto = (buffer, position) => {
      if (position >= 4 * MiB) throw new Error('the file ends');
      return readInto.call(source, buffer.subarray(0, 4 * MiB - position), position);
    };
    ftruncateSync(fd, 4 * MiB);
    const { server, path } = await serve(source, { sendfile });
    await using _server = server;
    const { body, ended } = await rawRequest(server.port, get(path));
    assert.equal(ended, 'fin');
    assert.equal(Buffer.compare(body, bytes.subarray(0, 4 * MiB)), 0);
    assert.match(String((await resultOf(server))?.error), /the file ends/);
  });
});
