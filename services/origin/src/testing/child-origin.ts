import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Address } from '@shoal/core';
import { RegistryClient } from './registry-client.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

export interface ChildOrigin extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly client: RegistryClient;
  /** Sends a signal and waits for the end; gives the exit code. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null>;
}

/** An origin in a process of its own, as operators start it. `wrap` is a command line that runs it. */
export const spawnOrigin = async (
  folder: string,
  wrap: readonly [string, ...string[]] | readonly [] = [],
): Promise<ChildOrigin> => {
  const [command, ...args] = wrap.length > 0 ? [...wrap, process.execPath, main] : [process.execPath, main];
  const env = {
    ...process.env,
    SHOAL_ORIGIN_FOLDER: folder,
    SHOAL_ORIGIN_LOG_LEVEL: 'fatal',
    ...Object.fromEntries(
      ['REGISTRY', 'PIECES', 'ADMIN', 'DEBUG'].map((listener) => [`SHOAL_ORIGIN_${listener}_PORT`, '0']),
    ),
  };
  const child = spawn(command, args, { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const ready = once(child, 'message') as Promise<[{ addresses: { registry: Address } }]>;
  const [message] = await Promise.race([
    ready,
    exited.then(([code]) => Promise.reject(new Error(`the origin ended with ${code}`))),
  ]);
  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<number | null> => {
    child.kill(signal);
    return (await exited)[0];
  };
  return {
    process: child,
    client: new RegistryClient(`http://127.0.0.1:${message.addresses.registry.port}`),
    end,
    [Symbol.asyncDispose]: async () => void (await end('SIGKILL')),
  };
};
