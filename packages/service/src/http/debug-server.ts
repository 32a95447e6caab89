import type { Address } from '@shoal/core';
import { isLoopbackHost } from '@shoal/core';
import { ConfigError } from '../config/error.ts';
import type { SmallAnswer } from './small-server.ts';
import { SmallServer } from './small-server.ts';

/** What a dump shows; it is printed as JSON. */
export type DebugDump = (query: URLSearchParams) => unknown;

export interface DebugOptions {
  readonly service: string;
  readonly listen: Address;
  /** Section of the configuration, for messages. */
  readonly key?: string;
}

/** `GET /debug/<name>`: dumps of a process's state for the person on the machine. Loopback only, read-only. */
export class DebugServer implements AsyncDisposable {
  readonly #server: SmallServer;
  readonly #dumps: Map<string, DebugDump>;

  private constructor(server: SmallServer, dumps: Map<string, DebugDump>) {
    this.#server = server;
    this.#dumps = dumps;
  }

  /** @throws ConfigError for a host that is not loopback, ListenError for a port in use. */
  static async listen({ service, listen, key = 'debug' }: DebugOptions): Promise<DebugServer> {
    if (!isLoopbackHost(listen.host)) {
      throw new ConfigError(service, [
        {
          key: `${key}.host`,
          value: listen.host,
          allowed: 'allowed is a loopback address (127.0.0.1, ::1): the dumps are not authenticated',
        },
      ]);
    }
    const dumps = new Map<string, DebugDump>();
    const server = await SmallServer.listen(key, listen, (url, request) => route(dumps, url, request.headers.host));
    return new DebugServer(server, dumps);
  }

  get address(): Address {
    return this.#server.address;
  }

  register(name: string, dump: DebugDump): void {
    this.#dumps.set(name, dump);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const route = async (
  dumps: ReadonlyMap<string, DebugDump>,
  url: URL,
  hostHeader: string | undefined,
): Promise<SmallAnswer> => {
  // A web page can make a browser on this machine call loopback under a name of its own (DNS rebinding).
  const host = URL.parse(`http://${hostHeader ?? ''}`)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  if (!isLoopbackHost(host)) return { status: 403, body: { error: 'the Host header does not name loopback' } };
  if (url.pathname === '/debug' || url.pathname === '/debug/')
    return { status: 200, body: { dumps: [...dumps.keys()] } };
  const dump = dumps.get(url.pathname.replace(/^\/debug\//, ''));
  if (!dump)
    return {
      status: 404,
      body: {
        error: `${url.pathname} is unknown; there are ${[...dumps.keys()].map((name) => `/debug/${name}`).join(', ')}`,
      },
    };
  return { status: 200, body: (await dump(url.searchParams)) ?? null };
};
