import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { FaultPlan } from './byte-fault.ts';

/** A proxy of TCP connections that spoils what the listening side sends. */
export class TcpProxy implements AsyncDisposable {
  /** For connections that send enough after it was set, counted together. */
  plan = new FaultPlan();
  readonly #target: () => number;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(target: () => number) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      void this.#forward(client).catch(() => client.destroy());
    });
  }

  /** On a free port of 127.0.0.1; `target` is a port there too, and asked at every connection. */
  static async start(target: () => number): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    proxy.#server.listen({ host: '127.0.0.1', port: 0 });
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #forward(client: Socket): Promise<void> {
    const server = connect({ host: '127.0.0.1', port: this.#target(), allowHalfOpen: true });
    const gone = new AbortController();
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        gone.abort();
        for (const other of [client, server]) other.destroy();
      });
      socket.on('error', () => socket.destroy());
    }
    await once(server, 'connect', { signal: gone.signal });
    await Promise.all([
      pipeline(client, server),
      pipeline(Readable.from(this.#spoiled(server, gone.signal), { objectMode: false }), client),
    ]);
  }

  /** A connection outlives plans: with each one its bytes are counted anew. */
  async *#spoiled(server: Socket, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const chunks = (server as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    let ended = false;
    const during = async function* (isCurrent: () => boolean): AsyncGenerator<Uint8Array> {
      while (isCurrent()) {
        const { done, value } = await chunks.next();
        ended = done === true;
        if (ended) return;
        yield value as Uint8Array;
      }
    };
    while (!ended) {
      const plan = this.plan;
      yield* plan.apply(
        '',
        during(() => this.plan === plan),
        signal,
      );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}
