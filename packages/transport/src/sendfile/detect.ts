import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { loadSendfile, type Sendfile } from './sendfile.ts';

/** How long the trial may take. */
const timeoutMs = 2_000;

export interface SendfileLog {
  info(fields: object, message: string): void;
}

/**
 * sendfile(2) when it works here: on Linux, in a Node.js with node:ffi whose sockets show their descriptors, and after
 * bytes of a file have come through a socket of this machine as they are. Undefined otherwise, and when it is `off`.
 * The log hears why it does not work. `load` is for tests.
 */
export const detectSendfile = async (
  setting: 'auto' | 'off',
  log?: SendfileLog,
  load = loadSendfile,
): Promise<Sendfile | undefined> => {
  if (setting === 'off') return undefined;
  try {
    if (process.platform !== 'linux') throw new Error(`it is not used on ${process.platform}`);
    const sendfile = load();
    await tryOut(sendfile);
    return sendfile;
  } catch (error) {
    log?.info({ reason: (error as Error).message }, 'sendfile(2) is not used');
    return undefined;
  }
};

/** Sends this file from an odd place on. @throws Error when other bytes arrive, or none in time */
const tryOut = async (sendfile: Sendfile): Promise<void> => {
  const expected = readFileSync(import.meta.filename).subarray(1);
  const signal = AbortSignal.timeout(timeoutMs);
  await using parts = new AsyncDisposableStack();
  const server = createServer().listen({ host: '127.0.0.1', port: 0 });
  parts.defer(async () => void (await once(server.close(), 'close')));
  await once(server, 'listening', { signal });
  const accepted = once(server, 'connection', { signal });
  // What is thrown while it is not awaited yet says as much.
  accepted.catch(() => undefined);
  const receiver = parts.adopt(connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port }), destroy);
  await once(receiver, 'connect', { signal });
  const sender = parts.adopt(((await accepted) as [Socket])[0], destroy);
  const fd = parts.adopt(openSync(import.meta.filename, 'r'), closeSync);
  const sent = sendfile(sender, fd, 1, expected.length);
  if (sent !== expected.length) throw new Error(`a socket took ${sent} of ${expected.length} bytes`);
  sender.end();
  const chunks: Buffer[] = [];
  receiver.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(receiver, 'end', { signal });
  if (!Buffer.concat(chunks).equals(expected)) throw new Error('other bytes arrived than were in the file');
};

/** Resolves when nothing of the socket is left. */
const destroy = async (socket: Socket): Promise<void> => {
  if (!socket.closed) await once(socket.destroy(), 'close');
};
