import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Address } from '@shoal/core';
import { clientTls } from '@shoal/service';
import { owners } from '@shoal/ring';
import { Agent as HttpPool, type Dispatcher, request } from 'undici';
import { freePorts } from '../../../../test/support/free-ports.ts';
import { eventually, urlOf } from './world.ts';

const main = fileURLToPath(new URL('../../../origin/src/main.ts', import.meta.url));
const anyPort = { port: 0 };

interface RingOrigin {
  readonly url: string;
  readonly process: ChildProcess;
  readonly peerId: string;
}

interface OriginTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** Of their clients as well, which must show a certificate of it. */
  readonly caFile: string;
}

/** Origins in processes of their own that share their work, so that one can be killed. */
export class OriginProcesses implements AsyncDisposable {
  readonly #origins: readonly RingOrigin[];

  private constructor(origins: readonly RingOrigin[]) {
    this.#origins = origins;
  }

  /** `config` is what each is told besides, its folder goes below `folder`. Resolves when all know all. */
  static async start(count: number, folder: string, config: object, tls?: OriginTls): Promise<OriginProcesses> {
    const ports = await freePorts(count);
    const dispatcher = new HttpPool({ connect: clientTls('tls', tls ?? {}) });
    const urls = ports.map((port) => `${tls ? 'https' : 'http'}://127.0.0.1:${port}`);
    const ring = { origins: urls, checkMs: '30s', ...(tls && { caFile: tls.caFile }) };
    const origins = await Promise.all(
      ports.map(async (port, index) => {
        const own = join(folder, `origin-${index}`);
        const listeners = { registry: { port, ...(tls && { tls }) }, pieces: anyPort, admin: anyPort, debug: anyPort };
        const file = `${own}.yaml`;
        await writeFile(file, JSON.stringify({ folder: own, log: { level: 'fatal' }, ...listeners, ring, ...config }));
        return startProcess(file, { url: urls[index]!, others: urls.length - 1, dispatcher });
      }),
    );
    return new OriginProcesses(await Promise.all(origins.map((met) => met())));
  }

  get urls(): string[] {
    return this.#origins.map(({ url }) => url);
  }

  /** Ends the origin whose part a blob or repository is, without warning. */
  async killOwner(key: string): Promise<void> {
    const [id] = owners(
      key,
      this.#origins.map(({ peerId }) => peerId),
      1,
    );
    await Promise.all(this.#origins.filter(({ peerId }) => peerId === id).map(kill));
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#origins.map(kill));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.killAll();
  }
}

const kill = async ({ process: child }: RingOrigin): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
};

/** Resolves when it listens, with what resolves when it has met the others. */
const startProcess = async (
  file: string,
  { url, others, dispatcher }: { url: string; others: number; dispatcher: Dispatcher },
): Promise<() => Promise<RingOrigin>> => {
  const child = spawn(process.execPath, [main, '--config', file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [message] = (await once(child, 'message')) as [{ addresses: { debug: Address } }];
  const debug = urlOf(message.addresses.debug);
  return async () => {
    const met = async (): Promise<boolean> =>
      ((await (await fetch(`${debug}/debug/ring`)).json()) as { up: string[] }).up.length === others;
    await eventually(met, 60_000);
    const { peerId } = (await (await request(`${url}/shoal/v1/cluster`, { dispatcher })).body.json()) as {
      peerId: string;
    };
    return { url, process: child, peerId };
  };
};
