import { isLoopbackHost } from '@shoal/core';

/**
 * How long containerd waits for a connection to the agent before it goes on at the registry, where it knows the key:
 * from 2.0.7 and 2.1.0; 1.6 and 1.7 read past it. On loopback a connection takes no time or never comes.
 */
const dialTimeout = '500ms';

/**
 * The hosts.toml of a registry, or of all with undefined (https://github.com/containerd/containerd/blob/main/docs/hosts.md).
 * The agent comes first and `server`, or by default the image's own registry, after it. `push` is left out, so that
 * pushes go to the registry.
 */
export const hostsToml = (agent: URL, registry: string | undefined): string =>
  [
    '# Written by `shoal install containerd`; `shoal uninstall containerd` takes it away.',
    ...(registry === undefined
      ? ["# Where the agent can't help containerd goes on at the registry that the image names."]
      : ["# Where the agent can't help containerd goes on at the registry itself.", ...server(registry)]),
    '',
    `[host."${agent.origin}"]`,
    '  capabilities = ["pull", "resolve"]',
    `  dial_timeout = "${dialTimeout}"`,
    '',
  ].join('\n');

/** For a registry on loopback containerd itself finds out whether it speaks TLS, as long as no `server` says so. */
const server = (registry: string): readonly string[] => {
  if (isLoopbackHost(registry.replace(/:\d+$/, ''))) return [];
  return [`server = "https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}"`];
};
