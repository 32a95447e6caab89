import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { KiB } from '@shoal/core';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of the body, which are dropped. */
  readonly bytes: number;
  /** From the request to the first byte of the body, in milliseconds; to the end of the head when there is none. */
  readonly firstByteMs: number;
}

interface Pending {
  readonly startMs: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

const receiveBuffer = Buffer.allocUnsafeSlow(256 * KiB);

/**
 * A kept-alive HTTP/1.1 connection that drops bodies as cheaply as Node.js can, so that the server stays the limit:
 * socket reads land in one fixed buffer. Answers must carry Content-Length.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #host: string;
  #pending: Pending | undefined;
  #head = '';
  #answer: { status: number; headers: Record<string, string>; length: number; firstByteMs: number } | undefined;
  #received = 0;

  constructor({ hostname, port, host }: URL) {
    this.#host = host;
    const callback = (count: number, into: Uint8Array): boolean => {
      this.#take(into as Buffer, count);
      return true;
    };
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      onread: { buffer: receiveBuffer, callback },
    });
    this.#socket.on('error', (error) => this.#pending?.reject(error));
    this.#socket.on('close', () => this.#pending?.reject(new Error('the server closed the connection')));
  }

  async opened(): Promise<this> {
    if (this.#socket.connecting) await once(this.#socket, 'connect');
    return this;
  }

  /** One request at a time. `body`: the file that is sent as the body. @throws Error for a status of 400 and more */
  async request(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
    const lines = Object.entries({ host: this.#host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#pending = { startMs: performance.now(), resolve, reject };
    this.#socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    if (body !== undefined) await this.#sendFile(body);
    const answer = await promise;
    if (answer.status >= 400) throw new Error(`${method} ${path}: status ${answer.status}`);
    return answer;
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Two buffers, so that one is read from the file while the kernel takes the other. */
  async #sendFile(path: string): Promise<void> {
    const fd = openSync(path, 'r');
    const buffers = [Buffer.allocUnsafeSlow(256 * KiB), Buffer.allocUnsafeSlow(256 * KiB)];
    const taken: Promise<void>[] = [Promise.resolve(), Promise.resolve()];
    try {
      for (let turn = 0; ; turn ^= 1) {
        await taken[turn];
        const count = readSync(fd, buffers[turn]!);
        if (count === 0) return;
        taken[turn] = new Promise((resolve, reject) => {
          this.#socket.write(buffers[turn]!.subarray(0, count), (error) => (error ? reject(error) : resolve()));
        });
      }
    } finally {
      closeSync(fd);
    }
  }

  #take(bytes: Buffer, count: number): void {
    let from = 0;
    if (!this.#answer) {
      const known = this.#head.length;
      this.#head += bytes.toString('latin1', 0, Math.min(count, 16 * KiB));
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      from = end + 4 - known;
      this.#begin(this.#head.slice(0, end));
    }
    const answer = this.#answer!;
    if (this.#received === 0) answer.firstByteMs = performance.now() - (this.#pending?.startMs ?? 0);
    this.#received += count - from;
    if (this.#received >= answer.length) this.#finish();
  }

  #begin(head: string): void {
    const [first = '', ...lines] = head.split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const length = Number(headers['content-length'] ?? 0);
    this.#answer = { status: Number(first.split(' ')[1]), headers, length, firstByteMs: 0 };
  }

  #finish(): void {
    const { status, headers, firstByteMs } = this.#answer!;
    const answer = { status, headers, bytes: this.#received, firstByteMs };
    this.#answer = undefined;
    this.#head = '';
    this.#received = 0;
    this.#pending?.resolve(answer);
  }
}
