/**
 * Which workspace may import which, as data. The direction is
 * services -> shells (transport, store, registry, service, exchange) -> pure (protocol, swarm, ring) -> core.
 * A workspace that is missing here is an error of the check, so that a new one gets its place on purpose.
 */
export interface WorkspaceRule {
  /** The workspaces it may import, by package name without the scope. */
  readonly workspaces: readonly string[];
  /** A pure workspace does no I/O: no node: modules, and from npm only what stands in `npm`. */
  readonly pure?: { readonly npm: readonly string[] };
}

const shells = [
  'core',
  'exchange',
  'protocol',
  'registry',
  'ring',
  'service',
  'store',
  'swarm',
  'transport',
  'upstreams',
];

/** A command must start at once: it takes a client without the servers that the whole package loads. Bodies need no piece connections. */
export const secondEntries: readonly string[] = ['service/client', 'transport/sendfile'];

export const importRules: Readonly<Record<string, WorkspaceRule>> = {
  'packages/core': { workspaces: [], pure: { npm: ['typebox'] } },
  'packages/protocol': { workspaces: ['core'], pure: { npm: ['typebox'] } },
  'packages/swarm': { workspaces: ['core'], pure: { npm: [] } },
  'packages/ring': { workspaces: ['core'], pure: { npm: [] } },
  'packages/sim': { workspaces: ['core', 'protocol', 'swarm'] },
  'packages/transport': { workspaces: ['core', 'protocol'] },
  'packages/store': { workspaces: ['core'] },
  'packages/registry': { workspaces: ['core', 'store', 'transport'] },
  'packages/service': { workspaces: ['core'] },
  'packages/upstreams': { workspaces: ['core', 'registry', 'service'] },
  'packages/cli': { workspaces: ['core', 'service'] },
  'packages/exchange': { workspaces: ['core', 'protocol', 'store', 'swarm', 'transport'] },
  'services/origin': { workspaces: shells },
  'services/tracker': { workspaces: shells },
  'services/agent': { workspaces: shells },
  'deploy/local': { workspaces: ['core'] },
};
