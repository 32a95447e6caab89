import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Address, ShoalError } from '@shoal/core';
import { listening } from './listen.ts';

export interface SmallAnswer {
  readonly status: number;
  readonly body: unknown;
  /** Of `body` when it is text; JSON otherwise. */
  readonly contentType?: string;
}

export type SmallHandler = (url: URL, request: IncomingMessage) => SmallAnswer | Promise<SmallAnswer>;

// An import would also load the WebSocket that node:http hands on, and all of Node's own undici with it: 4 MB.
const { createServer } = process.getBuiltinModule('node:http');

const headerBytesMax = 8 * 1024;
const requestTimeoutMs = 10_000;
const connectionsMax = 64;

/**
 * A small HTTP server on node:http, for GET alone unless it is told otherwise, for admin and debug ports: each process has two, and a framework's
 * memory for each would show on every node.
 */
export class SmallServer implements AsyncDisposable {
  readonly #server: Server;
  readonly address: Address;

  private constructor(server: Server) {
    this.#server = server;
    const { address, port } = server.address() as AddressInfo;
    this.address = { host: address, port };
  }

  /** @throws ListenError naming `key`. */
  static async listen(
    key: string,
    { host, port }: Address,
    handler: SmallHandler,
    methods: readonly string[] = ['GET', 'HEAD'],
  ): Promise<SmallServer> {
    const server = createServer(
      { maxHeaderSize: headerBytesMax, requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs },
      (request, response) => void answer(handler, methods, request, response),
    );
    server.maxConnections = connectionsMax;
    await listening(
      key,
      { host, port },
      () =>
        new Promise<void>((resolve, reject) => {
          server.once('error', reject);
          server.listen({ host, port }, resolve);
        }),
    );
    return new SmallServer(server);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const answer = async (
  handler: SmallHandler,
  methods: readonly string[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const { status, body, contentType } = await answerOf(handler, methods, request);
  const text = typeof body === 'string' ? body : `${JSON.stringify(body, undefined, 2)}\n`;
  response.writeHead(status, {
    'content-type': contentType ?? (typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json'),
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...(status === 405 && { allow: methods.join(', ') }),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
  // A body nobody reads would hold the connection.
  request.resume();
};

const answerOf = async (
  handler: SmallHandler,
  methods: readonly string[],
  request: IncomingMessage,
): Promise<SmallAnswer> => {
  if (!methods.includes(request.method ?? ''))
    return { status: 405, body: { error: `${request.method} is not allowed; allowed are ${methods.join(' and ')}` } };
  const url = URL.parse(request.url ?? '/', 'http://localhost');
  if (!url) return { status: 400, body: { error: 'the request target is no path' } };
  try {
    return await handler(url, request);
  } catch (error) {
    const { message } = error as Error;
    return error instanceof ShoalError
      ? { status: error.status, body: { error: message, code: error.code } }
      : { status: 500, body: { error: message } };
  }
};
