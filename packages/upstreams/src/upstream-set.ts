import { OciError, type RepositoryName } from '@shoal/core';
import {
  type AskedFor,
  type CredentialSource,
  dockerConfigCredential,
  Endpoint,
  fixedCredential,
  keptCredential,
  Lru,
  parseUpstreamName,
  type RateLimit,
  registryHost,
  registryUrl,
  Upstream,
} from '@shoal/registry';
import { loadAuthorities } from '@shoal/service';
import type { RegistryConfig, UpstreamsConfig } from './config.ts';

/** A repository of an upstream registry. */
export interface UpstreamRepository {
  readonly upstream: Upstream;
  /** Its name there. */
  readonly repository: RepositoryName;
  /** For metrics: the configured host, or `other`. */
  readonly label: string;
  readonly tagRevalidateMs: number;
}

interface KnownRegistry extends Omit<UpstreamRepository, 'repository'> {
  readonly allows: (repository: string) => boolean;
}

/** `upstream` is a configured host, or `other`. */
export interface UpstreamSetEvents {
  /** It may be asked from now on. */
  known(upstream: string): void;
  answered(upstream: string, method: string, kind: AskedFor, status: number): void;
  rateLimit(upstream: string, limit: RateLimit): void;
}

export interface UpstreamSetOptions {
  readonly config: UpstreamsConfig;
  readonly events: UpstreamSetEvents;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
}

/** Tokens and connections of hosts that are allowed by a wildcard are kept for so many of them. */
const otherHostsMax = 32;

/** The registries that may be pulled through from, by the host in a repository's name. */
export class UpstreamSet implements AsyncDisposable {
  readonly #o: UpstreamSetOptions;
  readonly #registries = new Map<string, KnownRegistry>();
  readonly #others = new Lru<string, KnownRegistry>({ sizeMax: otherHostsMax });

  /** @throws TlsFileError */
  constructor(options: UpstreamSetOptions) {
    this.#o = options;
    for (const [index, registry] of options.config.registries.entries()) {
      const host = registryHost(registry.host) ?? registry.host;
      this.#registries.set(host, this.#known(host, host, registry, `upstreams.registries[${index}]`));
    }
  }

  /** There is nothing to pull through from. */
  get isEmpty(): boolean {
    return this.#registries.size === 0 && this.#o.config.hosts.length === 0;
  }

  /** Whether a host's repositories are those of an upstream. */
  covers(host: string): boolean {
    if (this.#registries.has(host)) return true;
    const name = host.replace(/:\d+$/, '');
    return this.#o.config.hosts.some(
      (raw) => raw === '*' || (raw.startsWith('*.') ? name.endsWith(raw.slice(1)) : registryHost(raw) === host),
    );
  }

  /** Whether a repository's name is that of an upstream's. */
  owns(name: RepositoryName): boolean {
    const host = parseUpstreamName(name)?.host;
    return host !== undefined && this.covers(host);
  }

  /** Undefined for a repository of the origin itself. @throws OciError NAME_UNKNOWN for one that may not be pulled */
  find(name: RepositoryName): UpstreamRepository | undefined {
    const named = parseUpstreamName(name);
    if (!named || !this.covers(named.host)) return undefined;
    const { host, repository } = named;
    const registry = this.#registries.get(host) ?? this.#other(host);
    if (!registry.allows(repository))
      throw new OciError(
        'NAME_UNKNOWN',
        `${repository} is not among the repositories of ${host} that may be pulled here`,
      );
    return { ...registry, repository };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#registries.values()].map(({ upstream }) => upstream.close()));
  }

  #other(host: string): KnownRegistry {
    const known = this.#others.get(host);
    if (known) return known;
    const made = this.#known(
      host,
      'other',
      { host, mirrors: [], insecure: false, repositories: ['*'] },
      'upstreams.hosts',
    );
    this.#others.set(host, made);
    return made;
  }

  #known(host: string, label: string, registry: RegistryConfig, key: string): KnownRegistry {
    const { config, events, clock } = this.#o;
    const { connectMs, answerMs, stallMs, deadlineMs, hurriedMs, manifestBytesMax } = config;
    events.known(label);
    const ca = registry.caFile === undefined ? undefined : loadAuthorities(`${key}.caFile`, registry.caFile);
    const main = new URL(registry.url ?? registryUrl(host));
    const endpoints = [...registry.mirrors.map((mirror) => new URL(mirror)), main].map(
      (url) =>
        new Endpoint({
          url,
          ca,
          insecure: registry.insecure,
          proxy: registry.proxy,
          deadlines: { connectMs, answerMs, stallMs },
          credentials: this.#credentials(registry, url === main ? host : url.host),
          clock,
          events: {
            answered: (...answer) => events.answered(label, ...answer),
            rateLimit: (limit) => events.rateLimit(label, limit),
          },
        }),
    );
    const upstream = new Upstream({ endpoints, manifestBytesMax, deadlineMs, hurriedMs, clock });
    const tagRevalidateMs = registry.tagRevalidateMs ?? config.tagRevalidateMs;
    return { upstream, label, tagRevalidateMs, allows: patternTest(registry.repositories) };
  }

  /** A password of the configuration is for the registry itself, never for a mirror of another host. */
  #credentials({ username, password, dockerConfigFile, host }: RegistryConfig, wanted: string): CredentialSource {
    if (username !== undefined && password !== undefined)
      return fixedCredential(registryHost(host) === wanted ? { kind: 'password', username, password } : undefined);
    const file = dockerConfigFile ?? this.#o.config.dockerConfigFile;
    if (file === undefined) return fixedCredential(undefined);
    return keptCredential(() => dockerConfigCredential(file, registryHost(wanted) ?? wanted), this.#o.clock);
  }
}

const patternTest = (patterns: readonly string[]): ((repository: string) => boolean) => {
  const expressions = patterns.map((pattern) => {
    const parts = pattern.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
    return new RegExp(`^${parts.join('.*')}$`);
  });
  return (repository) => expressions.some((expression) => expression.test(repository));
};
