import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { detectSendfile } from './detect.ts';
import type { Sendfile } from './sendfile.ts';

const file = import.meta.filename;
const content = readFileSync(file);

const pair = async (parts: AsyncDisposableStack): Promise<{ sender: Socket; receiver: Socket }> => {
  const server = createServer().listen({ host: '127.0.0.1', port: 0 });
  parts.defer(() => void server.close());
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const receiver = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  const [sender] = await accepted;
  for (const socket of [sender, receiver]) parts.defer(() => void socket.destroy());
  return { sender, receiver };
};

const logInto = (reasons: string[]) => ({
  info: (fields: object) => void reasons.push((fields as { reason: string }).reason),
});

const reasonsOf = async (load: () => Sendfile): Promise<string[]> => {
  const reasons: string[] = [];
  assert.equal(await detectSendfile('auto', logInto(reasons), load), undefined);
  return reasons;
};

const found = await detectSendfile('auto');

describe('detectSendfile', () => {
  it('finds none, without a trial, when it is switched off', async () => {
    assert.equal(await detectSendfile('off', undefined, () => assert.fail('loaded')), undefined);
  });

  it('tells why there is none', async () => {
    const missing = (): Sendfile => {
      throw new Error('this Node.js has no node:ffi');
    };
    assert.deepEqual(await reasonsOf(missing), ['this Node.js has no node:ffi']);
    assert.match((await reasonsOf(() => () => 0))[0]!, /took 0 of \d+ bytes/);
    const wrong: Sendfile = (socket, _fd, _position, length) => {
      socket.write(Buffer.alloc(length));
      return length;
    };
    assert.deepEqual(await reasonsOf(() => wrong), ['other bytes arrived than were in the file']);
  });

  it('prints no warning, and hides no other one', { skip: !found }, async () => {
    const script = `import { detectSendfile } from ${JSON.stringify(join(import.meta.dirname, 'detect.ts'))};
      console.log(typeof (await detectSendfile('auto')));
      process.emitWarning('something else');`;
    const args = ['--input-type=module', '--eval', script];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
      env: { ...process.env, NODE_OPTIONS: '' },
    });
    assert.equal(stdout, 'function\n');
    assert.match(stderr, /something else/);
    assert.doesNotMatch(stderr, /FFI/);
  });

  it('finds none in a Node.js that may not use it', async () => {
    const script = `import { detectSendfile } from ${JSON.stringify(join(import.meta.dirname, 'detect.ts'))};
      console.log(await detectSendfile('auto', { info: ({ reason }) => console.log(reason) }));`;
    const args = ['--no-experimental-ffi', '--input-type=module', '--eval', script];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    assert.equal(stdout, 'this Node.js has no node:ffi\nundefined\n');
  });
});

describe('sendfile', { skip: !found && 'there is no sendfile(2) here' }, () => {
  const sendfile = found!;

  it('moves what is asked for, and stops at the end of the file', async () => {
    await using parts = new AsyncDisposableStack();
    const { sender, receiver } = await pair(parts);
    const fd = parts.adopt(openSync(file, 'r'), closeSync);
    assert.equal(sendfile(sender, fd, 10, 20), 20);
    assert.equal(sendfile(sender, fd, content.length - 5, 20), 5);
    assert.equal(sendfile(sender, fd, content.length, 20), 0);
    sender.end();
    const received = Buffer.concat(await receiver.toArray());
    assert.deepEqual(received, Buffer.concat([content.subarray(10, 30), content.subarray(-5)]));
  });

  it('takes a part when the socket is full, and nothing more until it has room', async () => {
    await using parts = new AsyncDisposableStack();
    const { sender, receiver } = await pair(parts);
    receiver.pause();
    const fd = parts.adopt(openSync(process.execPath, 'r'), closeSync);
    const first = sendfile(sender, fd, 0, 64 * 1024 * 1024);
    assert.ok(first > 0 && first < 64 * 1024 * 1024, `${first}`);
    let total = first;
    for (let sent = first; sent > 0;) total += sent = sendfile(sender, fd, total, 64 * 1024 * 1024);
    const drained = new Promise((resolve) => sender.write('!', resolve));
    assert.equal(sendfile(sender, fd, total, 1000), 0);
    receiver.resume();
    await drained;
    assert.ok(sendfile(sender, fd, total, 1000) > 0);
  });

  it('takes nothing behind bytes that have not left, nor for a socket that is connecting, ended or gone', async () => {
    await using parts = new AsyncDisposableStack();
    const { sender, receiver } = await pair(parts);
    const fd = parts.adopt(openSync(file, 'r'), closeSync);
    sender.cork();
    sender.write('first');
    assert.equal(sendfile(sender, fd, 0, 10), 0);
    sender.uncork();
    sender.end();
    assert.equal(sendfile(sender, fd, 0, 10), 0);
    sender.destroy();
    assert.equal(sendfile(sender, fd, 0, 10), 0);
    const connecting = connect({ host: '127.0.0.1', port: receiver.localPort! });
    connecting.on('error', () => undefined);
    assert.equal(sendfile(connecting, fd, 0, 10), 0);
    connecting.destroy();
  });

  it('takes nothing of a file that is not open', async () => {
    await using parts = new AsyncDisposableStack();
    const { sender } = await pair(parts);
    assert.equal(sendfile(sender, 1_000_000, 0, 10), 0);
  });
});
