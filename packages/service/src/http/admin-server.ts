import type { Address } from '@shoal/core';
import type { Exposition } from '../metrics.ts';
import { Readiness } from './readiness.ts';
import type { ReadinessCheck } from './readiness.ts';
import type { SmallAnswer } from './small-server.ts';
import { SmallServer } from './small-server.ts';

export interface AdminOptions {
  readonly service: string;
  readonly listen: Address;
  readonly metrics: Exposition;
  /** Section of the configuration, for the message about a port in use. */
  readonly key?: string;
}

/**
 * What scrapers and probes call: `/metrics`, `/livez`, `/readyz`. It reveals nothing secret and changes nothing,
 * so it may listen on all interfaces. Liveness depends on nothing but a turning event loop.
 */
export class AdminServer implements AsyncDisposable {
  readonly #server: SmallServer;
  readonly #readiness: Readiness;

  private constructor(server: SmallServer, readiness: Readiness) {
    this.#server = server;
    this.#readiness = readiness;
  }

  /** It starts not ready: `starting` is missing until `started()`. @throws ListenError */
  static async listen({ service, listen, metrics, key = 'admin' }: AdminOptions): Promise<AdminServer> {
    const readiness = new Readiness();
    metrics.readReady(async () => (await readiness.report()).ready);
    const server = await SmallServer.listen(key, listen, ({ pathname }) =>
      route(pathname, service, metrics, readiness),
    );
    return new AdminServer(server, readiness);
  }

  get address(): Address {
    return this.#server.address;
  }

  /** Adds a named check to `/readyz`: undefined when all is well, otherwise what is missing. */
  check(name: string, check: ReadinessCheck): void {
    this.#readiness.add(name, check);
  }

  /** Adds what `/readyz` tells without failing on it: what the process works on without. */
  note(name: string, check: ReadinessCheck): void {
    this.#readiness.note(name, check);
  }

  /** From now on the checks alone decide. */
  started(): void {
    this.#readiness.phase = 'running';
  }

  /** Not ready any more while a graceful stop runs, so that nothing new is sent here. */
  stopping(): void {
    this.#readiness.phase = 'stopping';
  }

  async close(): Promise<void> {
    await this.#server.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

const route = async (
  pathname: string,
  service: string,
  metrics: Exposition,
  readiness: Readiness,
): Promise<SmallAnswer> => {
  switch (pathname) {
    case '/metrics':
      return { status: 200, body: await metrics.registry.metrics(), contentType: metrics.registry.contentType };
    case '/livez':
      return { status: 200, body: { live: true, service } };
    case '/readyz': {
      const report = await readiness.report();
      return { status: report.ready ? 200 : 503, body: { service, ...report } };
    }
    default:
      return { status: 404, body: { error: `${pathname} is unknown; there are /metrics, /livez and /readyz` } };
  }
};
