import { existsSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Flags, ParsedArguments } from '../arguments.ts';
import { UsageError } from '../errors.ts';
import { isListening } from './listening.ts';

/** One process of the cluster: its registry or API, its metrics and health, its debug port. */
export interface Endpoint {
  readonly url: string;
  readonly admin: string;
  readonly debug: string;
}

export interface Endpoints {
  readonly origins: readonly Endpoint[];
  readonly trackers: readonly Endpoint[];
  readonly agents: readonly Endpoint[];
  readonly secret: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Flags of every command that talks to a cluster. */
export const clusterFlags: Flags = {
  origin: { value: 'URL', multiple: true, help: 'an origin (default http://127.0.0.1:7000)' },
  tracker: { value: 'URL', multiple: true, help: 'a tracker (default http://127.0.0.1:7010)' },
  agent: { value: 'URL', multiple: true, help: 'an agent (default those on 127.0.0.1: 7020, 7030, ...)' },
  config: { value: 'FILE', help: "an agent's configuration, for the addresses and the cluster secret in it" },
  'base-port': { value: 'PORT', help: 'the cluster of `npm start -- --base-port PORT` (default 7000)' },
};

export const endpointsHelp = `Addresses come from flags, else from SHOAL_ORIGINS, SHOAL_TRACKERS and SHOAL_AGENTS (lists with commas), else from
the agent's configuration in --config or SHOAL_CONFIG, else they are those of \`npm start\`. Metrics and health are two
ports above the URL unless that configuration says otherwise. The cluster secret is never a flag: it is read from
SHOAL_CLUSTER_SECRET or from the configuration.`;

const agentsMax = 48;

/** @throws UsageError for a value that is no address, or a file that cannot be read */
export const endpointsOf = async (given: ParsedArguments, env: Environment = process.env): Promise<Endpoints> => {
  const file = readConfig(given.value('config') ?? env['SHOAL_CONFIG'], given.has('config'));
  const base = basePortOf(given);
  const named = (flag: string, variable: string): readonly Endpoint[] | undefined =>
    endpointList(`--${flag}`, given.values(flag)) ?? endpointList(variable, env[variable]?.split(',') ?? []);
  const ofFile = given.has('base-port') ? undefined : file;
  return {
    origins: named('origin', 'SHOAL_ORIGINS') ?? ofFile?.origins ?? [localEndpoint(base)],
    trackers: named('tracker', 'SHOAL_TRACKERS') ?? ofFile?.trackers ?? [localEndpoint(base + 10)],
    agents: named('agent', 'SHOAL_AGENTS') ?? ofFile?.agents ?? (await localAgents(base)),
    secret: env['SHOAL_CLUSTER_SECRET'] || file?.secret,
  };
};

/** Those that listen; the first one when none does, so that it can be said that it does not. */
const localAgents = async (base: number): Promise<readonly Endpoint[]> => {
  const all = Array.from({ length: agentsMax }, (_, index) => base + 20 + 10 * index).filter((port) => port < 65_530);
  const listening = await Promise.all(all.map((port) => isListening('127.0.0.1', port)));
  const found = all.filter((_, index) => listening[index]);
  return (found.length > 0 ? found : [base + 20]).map(localEndpoint);
};

const localEndpoint = (port: number): Endpoint => endpoint(new URL(`http://127.0.0.1:${port}`));

const endpoint = (url: URL): Endpoint => {
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const beside = (offset: number): string => `http://${url.hostname}:${port + offset}`;
  return { url: url.origin, admin: beside(2), debug: beside(3) };
};

const endpointList = (source: string, raw: readonly string[]): readonly Endpoint[] | undefined => {
  const values = raw.map((value) => value.trim()).filter((value) => value !== '');
  return values.length === 0 ? undefined : values.map((value) => endpoint(parseUrl(source, value)));
};

const parseUrl = (source: string, raw: string): URL => {
  const url = URL.parse(raw);
  const usable = url && ['http:', 'https:'].includes(url.protocol) && url.username === '' && url.password === '';
  if (!usable || url.pathname !== '/' || url.search !== '') {
    const shown = url?.password ? 'a URL with a password' : JSON.stringify(raw);
    throw new UsageError(`${source}: ${shown} is not allowed; allowed is http://host:port or https://host:port`);
  }
  return url;
};

const basePortOf = (given: ParsedArguments): number => {
  const raw = given.value('base-port') ?? '7000';
  const port = /^\d{1,5}$/.test(raw) ? Number(raw) : 0;
  if (port < 1024 || port > 60_000)
    throw new UsageError(`--base-port: ${JSON.stringify(raw)} is not allowed; allowed is 1024 to 60000`);
  return port;
};

interface AgentFile {
  readonly origins?: string[];
  readonly trackers?: string[];
  readonly registry?: { host?: string; port?: number; tls?: object };
  readonly admin?: { host?: string; port?: number };
  readonly debug?: { port?: number };
  readonly cluster?: { secret?: string };
}

const readConfig = (path: string | undefined, isNamed: boolean): Partial<Endpoints> | undefined => {
  if (path === undefined || (!isNamed && !existsSync(path))) return undefined;
  let tree: AgentFile;
  try {
    tree = (parse(readFileSync(path, 'utf8')) ?? {}) as AgentFile;
  } catch (error) {
    // Not the message of the parser: it quotes lines, and one of them may be the secret.
    const { code = 'it is no YAML' } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `--config: ${JSON.stringify(path)} can't be read (${code}); allowed is an agent's configuration`,
    );
  }
  const { registry = {}, admin = {}, debug = {}, cluster } = tree;
  const reachable = (host = '127.0.0.1'): string => (/^(0\.0\.0\.0|::|\[::\])$/.test(host) ? '127.0.0.1' : host);
  const agent: Endpoint = {
    url: `${registry.tls ? 'https' : 'http'}://${reachable(registry.host)}:${registry.port ?? 7020}`,
    admin: `http://${reachable(admin.host)}:${admin.port ?? 7022}`,
    debug: `http://127.0.0.1:${debug.port ?? 7023}`,
  };
  const origins = endpointList('origins', tree.origins ?? []);
  const trackers = endpointList('trackers', tree.trackers ?? []);
  return { ...(origins && { origins }), ...(trackers && { trackers }), agents: [agent], secret: cluster?.secret };
};

/** How images name the cluster's own registry at these addresses: `127.0.0.1:7000`. */
export const registryNames = ({ origins, agents }: Endpoints): string[] =>
  [...origins, ...agents].map(({ url }) => new URL(url).host);
