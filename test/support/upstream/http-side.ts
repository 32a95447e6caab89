import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

const tlsFolder = path.join(import.meta.dirname, '../../../packages/service/test/tls');

/** A certificate for localhost and 127.0.0.1, its own authority. */
export const testCertificateFile = path.join(tlsFolder, 'test-only-cert.pem');

export type Handle = (request: IncomingMessage, reply: ServerResponse, url: URL) => void | Promise<void>;

/** One HTTP or HTTPS server on a free port of 127.0.0.1. */
export class HttpSide implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  static async start(tls: boolean, handle: Handle): Promise<HttpSide> {
    const listener = (request: IncomingMessage, reply: ServerResponse): void => {
      const url = new URL(request.url ?? '', 'http://fake');
      void Promise.resolve(handle(request, reply, url)).catch((error: unknown) => reply.destroy(error as Error));
    };
    const certificate = tls && {
      cert: readFileSync(testCertificateFile),
      key: readFileSync(path.join(tlsFolder, 'test-only-key.pem')),
    };
    const server = certificate ? createTlsServer(certificate, listener) : createServer(listener);
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const { port } = server.address() as AddressInfo;
    return new HttpSide(server as Server, `${tls ? 'https' : 'http'}://127.0.0.1:${port}`);
  }

  /** Nobody listens any more, and all connections break. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export const sendJson = (
  reply: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void => {
  reply.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
};

export const readText = async (request: IncomingMessage): Promise<string> => {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
};
