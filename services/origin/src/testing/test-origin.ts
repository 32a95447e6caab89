import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '@shoal/service';
import { originConfig } from '../config.ts';
import { Origin, type OriginOptions } from '../service.ts';
import { RegistryClient } from './registry-client.ts';

const anyPort = { port: 0 };

/** A configuration for tests: free ports on loopback. */
export const testConfig = (folder: string, values: Record<string, unknown> = {}) =>
  loadConfig(originConfig, {
    values: { folder, registry: anyPort, pieces: anyPort, admin: anyPort, debug: anyPort, ...values },
  });

export interface TestOrigin extends AsyncDisposable {
  readonly origin: Origin;
  readonly client: RegistryClient;
  readonly folder: string;
  readonly adminUrl: string;
  /** Stops the origin and starts another one in the same folder. */
  restart(): Promise<TestOrigin>;
}

export const temporaryFolder = async (): Promise<AsyncDisposable & { readonly path: string }> => {
  const path = await mkdtemp(join(tmpdir(), 'shoal-origin-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
};

/** An origin in a folder of its own that goes with it. */
export const startOrigin = async (
  values: Record<string, unknown> = {},
  options: OriginOptions = {},
): Promise<TestOrigin> => {
  const folder = await temporaryFolder();
  return startIn(folder, values, options);
};

const startIn = async (
  folder: AsyncDisposable & { readonly path: string },
  values: Record<string, unknown>,
  options: OriginOptions,
): Promise<TestOrigin> => {
  const origin = await Origin.start(testConfig(folder.path, values), options);
  const { registry, admin } = origin.addresses;
  return {
    origin,
    client: new RegistryClient(`http://127.0.0.1:${registry.port}`),
    folder: folder.path,
    adminUrl: `http://127.0.0.1:${admin.port}`,
    restart: async () => {
      await origin.stop();
      return startIn(folder, values, options);
    },
    [Symbol.asyncDispose]: async () => {
      await origin.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
};
