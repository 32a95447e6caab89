import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePortBase } from '../../deploy/local/src/index.ts';
import { Background, run } from './run.ts';

export interface TestRedis extends AsyncDisposable {
  readonly url: string;
  /** `redis-cli` against it. */
  cli(...args: string[]): Promise<string>;
}

/** A redis-server without persistence on a port and in a folder of its own. */
export const startRedis = async (): Promise<TestRedis> => {
  const folder = await mkdtemp(path.join(tmpdir(), 'shoal-redis-'));
  const port = String(await freePortBase(1));
  const server = new Background('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', folder]);
  await server.printed(/Ready to accept connections/);
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    cli: (...args) => run('redis-cli', ['-p', port, ...args]),
    [Symbol.asyncDispose]: dispose,
  };
};
