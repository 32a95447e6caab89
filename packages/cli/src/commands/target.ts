import { realpathSync, statSync } from 'node:fs';
import { isLoopbackHost } from '@shoal/core';
import type { Flags, ParsedArguments } from '../arguments.ts';
import { UsageError } from '../errors.ts';
import { HostTree } from '../install/host-tree.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import { runtimes } from '../runtimes/runtimes.ts';

/** Flags of install and uninstall. */
export const targetFlags: Flags = {
  root: { value: 'DIR', help: 'the file system of the host is mounted at DIR (default /)' },
  'dry-run': { help: 'say what would be done and change nothing' },
};

export const runtimeNames = runtimes.map(({ name }) => name).join('|');

/** @throws UsageError */
export const runtimeOf = ({ positionals }: ParsedArguments): Runtime => {
  const [name, ...more] = positionals;
  const runtime = runtimes.find((candidate) => candidate.name === name);
  if (name === undefined) throw new UsageError(`no runtime is given; allowed is one of ${runtimeNames}`);
  if (!runtime)
    throw new UsageError(`runtime: ${JSON.stringify(name)} is not allowed; allowed is one of ${runtimeNames}`);
  if (more.length > 0)
    throw new UsageError(`${JSON.stringify(more[0])} is one argument too many; allowed is one runtime`);
  return runtime;
};

/** The host's file system. @throws UsageError when it is not there */
export const hostOf = (given: ParsedArguments): HostTree => {
  const root = given.value('root') ?? '/';
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--root: ${JSON.stringify(root)} is not allowed; allowed is a folder that exists`);
  }
  return new HostTree(realpathSync(root));
};

/** @throws UsageError */
export const agentOf = (given: ParsedArguments, { defaultAgent }: Runtime): URL => {
  const raw = given.value('agent') ?? defaultAgent;
  const url = URL.parse(raw);
  const bare = url && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === '';
  if (!url || !bare || !['http:', 'https:'].includes(url.protocol)) {
    throw new UsageError(
      `--agent: ${JSON.stringify(raw)} is not allowed; allowed is http://host:port or https://host:port without a path`,
    );
  }
  return url;
};

/** A host as it stands in front of an image's name: `ghcr.io`, `registry.example.com:5000`, `localhost`. */
const registryHost = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*(?::\d{1,5})?$/;

/** Other names that Docker Hub has or had; in the name of an image all of them mean docker.io. */
const dockerHub = ['index.docker.io', 'registry-1.docker.io', 'hub.docker.com'];

/** Which registries go through the agent, undefined for all. @throws UsageError */
export const registriesOf = (given: ParsedArguments, runtime: Runtime): readonly string[] | undefined => {
  const named = [...new Set(given.values('registry'))].toSorted();
  for (const host of named) checkRegistry(host, runtime);
  if (named.length > 0) return named;
  if (runtime.defaultRegistries !== 'none') return runtime.defaultRegistries;
  throw new UsageError(
    `--registry is missing; ${runtime.name} has no setting for every registry, so name each: --registry docker.io --registry ghcr.io`,
  );
};

const checkRegistry = (host: string, runtime: Runtime): void => {
  const refuse = (allowed: string): never => {
    throw new UsageError(`--registry: ${JSON.stringify(host)} is not allowed; allowed is ${allowed}`);
  };
  if (dockerHub.includes(host)) refuse('docker.io, which is how images name Docker Hub');
  const isHost = registryHost.test(host) && (/[.:]/.test(host) || isLoopbackHost(host));
  if (!isHost) refuse('a registry as images name it, host or host:port without a scheme or a path');
  const impossible = runtime.refusal?.(host);
  if (impossible !== undefined) refuse(impossible);
};
