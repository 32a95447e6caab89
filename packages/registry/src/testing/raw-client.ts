import { connect, type Socket } from 'node:net';

export interface RawAnswer {
  /** The head, up to the empty line. */
  readonly head: string;
  readonly body: Buffer;
  /** How the server ended the connection. */
  readonly ended: 'fin' | 'rst';
}

/** Sends the given bytes and reads until the server closes: what HTTP clients hide is how a connection ends. */
export const rawRequest = (port: number, request: string): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const chunks: Buffer[] = [];
    const done = (ended: RawAnswer['ended']): void => {
      const all = Buffer.concat(chunks);
      const split = all.indexOf('\r\n\r\n');
      resolve({ head: all.subarray(0, split).toString(), body: all.subarray(split + 4), ended });
    };
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => done('fin'));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? done('rst') : reject(error)));
    socket.write(request);
  });

export const get = (path: string, headers: Record<string, string> = {}): string =>
  `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

/** A connection that has sent a request and takes nothing until it is resumed. */
export const pausedRequest = (port: number, request: string): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => {
      socket.pause();
      socket.write(request, () => resolve(socket));
    });
    socket.on('error', reject);
  });
