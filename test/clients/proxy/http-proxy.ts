import { once } from 'node:events';
import { createServer, request as forward, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FaultPlan } from './byte-fault.ts';

/** Answers in place of the server behind; true when it did. */
export type Answer = (request: IncomingMessage, reply: ServerResponse) => boolean;

/** A reverse proxy of one HTTP server that spoils the bodies of blobs, or refuses connections. */
export class HttpProxy implements AsyncDisposable {
  /** For bodies whose path contains `part`; each path has its own count. */
  plan = new FaultPlan();
  /** Bytes of blobs that were forwarded, in all and to each User-Agent. */
  forwarded = 0;
  readonly forwardedTo = new Map<string, number>();
  readonly #part: string;
  readonly #target: () => string;
  readonly #answer: Answer | undefined;
  readonly #waiting: { readonly bytes: number; readonly resolve: () => void }[] = [];
  #server: Server | undefined;
  #port = 0;

  private constructor(target: () => string, part: string, answer: Answer | undefined) {
    this.#target = target;
    this.#part = part;
    this.#answer = answer;
  }

  /** On a free port of 127.0.0.1. `target` is asked at every request, `part` is what the paths of blobs contain. */
  static async start(target: () => string, part: string, answer?: Answer): Promise<HttpProxy> {
    const proxy = new HttpProxy(target, part, answer);
    await proxy.listen();
    return proxy;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get url(): string {
    return `http://${this.host}`;
  }

  /** Takes connections again, at the same port. */
  async listen(): Promise<void> {
    if (this.#server) return;
    const server = createServer((request, reply) => {
      void this.#handle(request, reply).catch(() => reply.destroy());
    });
    server.listen({ host: '127.0.0.1', port: this.#port });
    await once(server, 'listening');
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Breaks all connections and refuses new ones. */
  async refuse(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
  }

  /** Resolves when so many bytes of blobs were forwarded since the call. @throws when the signal ends it */
  afterBytes(bytes: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.push({ bytes: this.forwarded + bytes, resolve });
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
    return promise;
  }

  async #handle(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    if (this.#answer?.(request, reply) === true) return;
    const gone = new AbortController();
    reply.once('close', () => gone.abort());
    const { method, headers, url = '' } = request;
    const behind = forward(this.#target() + url, { method, headers, signal: gone.signal });
    const answered = once(behind, 'response') as Promise<[IncomingMessage]>;
    request.pipe(behind);
    const [answer] = await answered;
    const { connection: _connection, 'keep-alive': _keepAlive, ...kept } = answer.headersDistinct;
    reply.writeHead(answer.statusCode ?? 502, kept);
    await pipeline(Readable.from(this.#body(request, answer, gone.signal), { objectMode: false }), reply);
  }

  async *#body(request: IncomingMessage, answer: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const path = new URL(request.url ?? '', 'http://proxy').pathname;
    const isBlob = request.method === 'GET' && path.includes(this.#part);
    for await (const chunk of isBlob ? this.plan.apply(path, answer, signal) : answer) {
      yield chunk;
      if (isBlob) this.#count(request.headers['user-agent'] ?? '', (chunk as Uint8Array).length);
    }
  }

  #count(to: string, bytes: number): void {
    this.forwarded += bytes;
    this.forwardedTo.set(to, (this.forwardedTo.get(to) ?? 0) + bytes);
    for (const { bytes: wanted, resolve } of this.#waiting) if (this.forwarded >= wanted) resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.refuse();
  }
}
