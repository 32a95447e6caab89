import type { IncomingMessage } from 'node:http';
import { type Address, InvalidValueError, isLoopbackHost, ShoalError } from '@shoal/core';
import { ConfigError } from '../config/error.ts';
import type { SmallAnswer } from './small-server.ts';
import { SmallServer } from './small-server.ts';

/** What a dump shows; it is printed as JSON. */
export type DebugDump = (query: URLSearchParams) => unknown;

/** Does something for whoever asks; `body` is the JSON that came. The answer is printed as JSON. */
export type DebugAction = (body: unknown) => unknown;

export interface DebugOptions {
  readonly service: string;
  readonly listen: Address;
  /** Section of the configuration, for messages. */
  readonly key?: string;
}

/**
 * `GET /debug/<name>`: dumps of a process's state for the person on the machine; `POST /debug/<name>`: what that person
 * can have it do. Loopback only.
 */
export class DebugServer implements AsyncDisposable {
  readonly #server: SmallServer;
  readonly #routes: Routes;

  private constructor(server: SmallServer, routes: Routes) {
    this.#server = server;
    this.#routes = routes;
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
    const routes: Routes = { dumps: new Map(), actions: new Map() };
    const handler = (url: URL, request: IncomingMessage): Promise<SmallAnswer> => route(routes, url, request);
    return new DebugServer(await SmallServer.listen(key, listen, handler, ['GET', 'HEAD', 'POST']), routes);
  }

  get address(): Address {
    return this.#server.address;
  }

  register(name: string, dump: DebugDump): void {
    this.#routes.dumps.set(name, dump);
  }

  action(name: string, action: DebugAction): void {
    this.#routes.actions.set(name, action);
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

interface Routes {
  readonly dumps: Map<string, DebugDump>;
  readonly actions: Map<string, DebugAction>;
}

const bodyBytesMax = 1024 * 1024;

const route = async ({ dumps, actions }: Routes, url: URL, request: IncomingMessage): Promise<SmallAnswer> => {
  // A web page can make a browser on this machine call loopback under a name of its own (DNS rebinding).
  const host = URL.parse(`http://${request.headers.host ?? ''}`)?.hostname.replace(/^\[|\]$/g, '') ?? '';
  if (!isLoopbackHost(host)) return { status: 403, body: { error: 'the Host header does not name loopback' } };
  if (request.method === 'POST') return act(actions, url, request);
  if (url.pathname === '/debug' || url.pathname === '/debug/')
    return { status: 200, body: { dumps: [...dumps.keys()] } };
  const dump = dumps.get(nameOf(url));
  return dump ? { status: 200, body: (await dump(url.searchParams)) ?? null } : unknown(url, dumps.keys());
};

const act = async (
  actions: ReadonlyMap<string, DebugAction>,
  url: URL,
  request: IncomingMessage,
): Promise<SmallAnswer> => {
  // A page of another site can send a form, but neither JSON nor a request without an Origin.
  if (request.headers.origin !== undefined || request.headers['content-type'] !== 'application/json')
    return { status: 403, body: { error: 'allowed is Content-Type application/json, without an Origin header' } };
  const action = actions.get(nameOf(url));
  if (!action) return unknown(url, actions.keys());
  return { status: 200, body: (await action(await readJson(request))) ?? null };
};

const readJson = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > bodyBytesMax)
      throw new ShoalError('BODY_TOO_LARGE', 413, `the body is larger than ${bodyBytesMax} bytes`);
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new InvalidValueError('body', Buffer.concat(chunks).toString().slice(0, 100), 'allowed is JSON');
  }
};

const nameOf = ({ pathname }: URL): string => pathname.replace(/^\/debug\//, '');

const unknown = ({ pathname }: URL, names: Iterable<string>): SmallAnswer => {
  const there = [...names].map((name) => `/debug/${name}`).join(', ');
  return { status: 404, body: { error: `${pathname} is unknown; there are ${there}` } };
};
