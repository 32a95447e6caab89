import { registryHost } from '@shoal/registry';
import { bytes, type ConfigProblem, durationMs, flag, list, path, secret, section, text, url } from '@shoal/service';
import { type Static, Type } from '@shoal/core';

const registry = section({
  host: text({
    maxLength: 259,
    description:
      'The registry as image names have it: `docker.io`, `quay.io`, `registry.example.com:5000`. Its repositories are pulled as `<host>/<repository>`, a port behind an underscore: `registry.example.com_5000/team/app`.',
  }),
  url: Type.Optional(
    url({
      description:
        'Where the registry is reached; `https://<host>` if absent, `https://registry-1.docker.io` for docker.io.',
    }),
  ),
  mirrors: list(url({ description: 'URL of a mirror.' }), {
    default: [],
    max: 16,
    description:
      'Asked before the registry, in this order; each gets only credentials of its own host from a docker config.',
  }),
  username: Type.Optional(text({ description: 'User at the registry.' })),
  password: Type.Optional(secret({ description: 'Password or access token of `username`.' })),
  dockerConfigFile: Type.Optional(
    path({ description: 'A docker config.json with the credentials; in place of `upstreams.dockerConfigFile`.' }),
  ),
  caFile: Type.Optional(
    path({ description: 'PEM file of authorities that the registry may be signed by, besides those of the system.' }),
  ),
  proxy: Type.Optional(
    url({
      hidden: true,
      description:
        'HTTP proxy for this registry, its token server and its storage, such as `http://proxy.example.com:3128`, with a login where it needs one. Variables such as HTTPS_PROXY do not count.',
    }),
  ),
  insecure: flag({
    default: false,
    description:
      'Whether plain HTTP and certificates that cannot be verified are accepted. Credentials then travel in the clear.',
  }),
  repositories: list(text({ maxLength: 255, description: 'A repository; `*` stands for any characters.' }), {
    default: ['*'],
    max: 1000,
    description: 'Repositories that may be pulled, such as `library/*`; the others are answered with 404.',
  }),
  tagRevalidateMs: Type.Optional(
    durationMs({ max: '30d', description: 'As `upstreams.tagRevalidateMs`, for this registry.' }),
  ),
});

/** The keys of `upstreams`; `registries` says what they are for. */
export const upstreamsSection = (registries: string) =>
  section({
    registries: list(registry, {
      default: [],
      max: 100,
      description: registries,
    }),
    hosts: list(text({ maxLength: 259, description: 'A host, `*.example.com`, or `*`.' }), {
      default: [],
      max: 100,
      description:
        'Further registries that may be pulled from, over verified TLS and with what `upstreams.dockerConfigFile` has for them. With `*` whoever may pull here decides which hosts are called.',
    }),
    dockerConfigFile: Type.Optional(
      path({
        description:
          'A docker config.json: `auths`, `credHelpers` and `credsStore` count, each entry for exactly its host. Read again when it is needed.',
      }),
    ),
    tagRevalidateMs: durationMs({
      default: '60s',
      max: '30d',
      description: 'How old the answer of an upstream about a tag may be; 0 asks at every request.',
    }),
    negativeMs: durationMs({
      default: '10s',
      max: '1h',
      description: 'How long an upstream is not asked again for what it did not have or give.',
    }),
    manifestBytesMax: bytes({
      default: '4MiB',
      min: '64KiB',
      max: '32MiB',
      description: 'Largest manifest that is taken from an upstream.',
    }),
    connectMs: durationMs({
      default: '5s',
      min: '100ms',
      max: '1m',
      description: 'Until a connection to an upstream stands.',
    }),
    answerMs: durationMs({
      default: '15s',
      min: '100ms',
      max: '5m',
      description: 'Until an upstream begins to answer a request.',
    }),
    // With answerMs less than the 30 s after which an agent ends the body of its client, which not every client survives.
    stallMs: durationMs({
      default: '10s',
      min: '100ms',
      max: '10m',
      description: 'Longest pause in the middle of a body of an upstream; then it is asked for the rest.',
    }),
    deadlineMs: durationMs({
      default: '25s',
      min: '100ms',
      max: '10m',
      description: 'For a manifest of an upstream, retries included.',
    }),
    hurriedMs: durationMs({
      default: '3s',
      min: '50ms',
      max: '1m',
      description: 'For asking whether a tag has moved; after it what is known is served, marked as stale.',
    }),
  });

export type UpstreamsConfig = Static<ReturnType<typeof upstreamsSection>>;
export type RegistryConfig = Static<typeof registry>;

const hostAllowed = 'allowed is a host name with or without a port, such as quay.io or registry.example.com:5000';

/** The rules across the keys of `upstreams`. */
export const checkUpstreams = ({ registries, hosts }: UpstreamsConfig): ConfigProblem[] => {
  const problems: ConfigProblem[] = [];
  const seen = new Set<string>();
  for (const [index, entry] of registries.entries()) {
    const problem = (key: keyof RegistryConfig, value: unknown, allowed: string): void =>
      void problems.push({ key: `upstreams.registries[${index}].${key}`, value, allowed });
    const host = registryHost(entry.host);
    if (host === undefined) problem('host', entry.host, hostAllowed);
    else if (seen.has(host)) problem('host', entry.host, `allowed is each registry once; ${host} stands above already`);
    if (host !== undefined) seen.add(host);
    if (!entry.insecure) {
      for (const address of [entry.url ?? 'https:', ...entry.mirrors])
        if (!address.startsWith('https:'))
          problem(
            address === entry.url ? 'url' : 'mirrors',
            address,
            'allowed is https:// as long as insecure is not set',
          );
    }
    if ((entry.username === undefined) !== (entry.password === undefined))
      problem(
        entry.username === undefined ? 'username' : 'password',
        undefined,
        'needed are both username and password (or passwordFile), or neither',
      );
    if (entry.username !== undefined && entry.dockerConfigFile !== undefined)
      problem('dockerConfigFile', entry.dockerConfigFile, 'allowed is either username and password or a docker config');
  }
  for (const [index, raw] of hosts.entries()) {
    if (raw !== '*' && registryHost(raw.replace(/^\*\./, '')) === undefined)
      problems.push({ key: `upstreams.hosts[${index}]`, value: raw, allowed: `${hostAllowed}, *.example.com, or *` });
  }
  return problems;
};
