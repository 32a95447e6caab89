import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { requireTool } from '../../../test/support/external.ts';

/** Why tests that need Redis can't run here, for `it(..., { skip })`; false when they can. */
export const redisMissing = requireTool('redis-server');

export interface RedisServer extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  stop(): Promise<void>;
  /** Leaves connections open and answers nothing any more. */
  hang(): void;
  /** Again on the same port, empty. */
  start(): Promise<void>;
}

/** A real Redis on a free port of loopback, without persistence, for tests; `extra` are flags of redis-server. */
export const startRedisServer = async (extra: readonly string[] = []): Promise<RedisServer> => {
  const port = await freePort();
  let child = await launch(port, extra);
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    stop,
    hang: () => void child.kill('SIGSTOP'),
    start: async () => {
      child = await launch(port, extra);
    },
    [Symbol.asyncDispose]: stop,
  };
};

const launch = async (port: number, extra: readonly string[]) => {
  const child = spawn(
    'redis-server',
    ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', ...extra],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  for await (const line of createInterface({ input: child.stdout })) {
    if (/Ready to accept connections/.test(line)) {
      child.stdout.resume();
      return child;
    }
  }
  throw new Error(`redis-server ended with ${child.exitCode}`);
};

/** A server in cluster mode listens on its port + 10,000 too, which has to be a port. */
const portMax = 55_535;

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port <= portMax ? port : freePort();
};
