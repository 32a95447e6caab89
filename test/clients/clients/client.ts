import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../../support/run.ts';

/** A user of the registry that a reference names. */
export interface Login {
  readonly name: string;
  readonly password: string;
}

export interface PullRequest {
  /** `host/repository:tag` */
  readonly reference: string;
  /** Pulls of `registry` go through the agent first. */
  readonly mirror?: { readonly agent: string; readonly registry: string };
  /** Who pulls; absent for nobody in particular. */
  readonly login?: Login | undefined;
  /** How a docker daemon reaches Docker Hub: variables of its environment. */
  readonly hub: { readonly environment: Record<string, string> };
  /** An empty folder, removed after the pull. */
  readonly folder: string;
  /** Runs the pull itself, without what has to be started before: it is measured, and ended when it takes too long. */
  readonly timed: <T>(pull: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

/** A program that pulls images, here on this machine. */
export interface Client {
  readonly name: string;
  readonly version: string;
  /** What `shoal install` knows it as, or why it can't have a mirror. */
  readonly mirror: 'containerd' | 'docker' | 'podman' | { readonly none: string };
  /**
   * Pulls into an empty store. Resolves to the digest of the manifest or of the configuration, whichever the client
   * names an image by, after all of it was verified: by the client, or here where it only writes files.
   */
  pull(request: PullRequest): Promise<string>;
}

/** One that may be missing; `find` says why. */
export interface Candidate {
  readonly name: string;
  find(): Promise<Client | { readonly missing: string }>;
}

export const installer = new URL('../../../packages/cli/src/main.ts', import.meta.url).pathname;

/** `shoal install` with the file system of the host at `root`. */
export const installMirror = async (runtime: string, root: string, mirror: PullRequest['mirror']): Promise<void> => {
  if (!mirror) return;
  const registry = runtime === 'docker' ? [] : ['--registry', mirror.registry];
  await run(process.execPath, [installer, 'install', runtime, '--root', root, '--agent', mirror.agent, ...registry]);
};

/**
 * What `docker login` leaves behind, a config.json in the folder of the request: docker, crane, oras and cosign find it by
 * `DOCKER_CONFIG`, podman and its kin by `REGISTRY_AUTH_FILE`.
 */
export const writeLogin = async ({ folder, login, reference }: PullRequest): Promise<Record<string, string>> => {
  const [host = ''] = reference.split('/');
  const auth = login && Buffer.from(`${login.name}:${login.password}`).toString('base64');
  const file = path.join(folder, 'config.json');
  const names = host === 'docker.io' ? ['https://index.docker.io/v1/', host] : [host];
  const auths = auth === undefined ? {} : Object.fromEntries(names.map((name) => [name, { auth }]));
  await writeFile(file, JSON.stringify({ auths }));
  return { DOCKER_CONFIG: folder, REGISTRY_AUTH_FILE: file };
};

/** The first match in what a command prints about its version. */
export const versionOf = async (command: string, args: readonly string[], pattern = /v?(\d+\.\d+\.\d+)/) =>
  pattern.exec(await run(command, args, { timeoutMs: 20_000 }))?.[1] ?? 'unknown';
