import { type Static, Type } from '@shoal/core';
import { registryHost } from '@shoal/registry';
import { choice, type ConfigProblem, durationMs, flag, list, path, section, text, url } from '@shoal/service';

const registry = section({
  host: text({
    maxLength: 259,
    description: 'The registry as image names have it: `docker.io`, `registry.example.com:5000`.',
  }),
  url: Type.Optional(
    url({
      description:
        'Where the registry is reached from this node; `https://<host>` if absent, `https://registry-1.docker.io` for docker.io.',
    }),
  ),
  caFile: Type.Optional(
    path({ description: 'PEM file of authorities that the registry may be signed by, besides those of the system.' }),
  ),
  proxy: Type.Optional(
    url({ hidden: true, description: 'HTTP proxy for this registry, with a login where it needs one.' }),
  ),
  insecure: flag({
    default: false,
    description:
      'Whether plain HTTP and certificates that cannot be verified are accepted. The credentials of clients then travel in the clear.',
  }),
});

/** The keys of `access`. */
export const accessSection = () =>
  section({
    mode: choice(['open', 'verify'], {
      default: 'open',
      description:
        "Who may pull. `open`: whoever reaches the agent, all that the cluster has or can get. `verify`: whoever the content's own registry would give it to; it is asked with the credentials that the client brings.",
    }),
    registries: list(registry, {
      default: [],
      max: 100,
      description:
        "Registries that can be asked with `verify`, besides the cluster's origins; content of others is answered with 404, and runtimes ask those themselves.",
    }),
    keptMs: durationMs({
      default: '1m',
      max: '1h',
      description: 'How long a registry is not asked again about what it has given to the same credentials.',
    }),
    staleMs: durationMs({
      default: '10m',
      max: '7d',
      description: 'The same while it does not answer; after it, and about all else, the answer is 503.',
    }),
    deadlineMs: durationMs({
      default: '5s',
      min: '100ms',
      max: '1m',
      description: 'For one question to a registry, with all its addresses.',
    }),
  });

export type AccessConfig = Static<ReturnType<typeof accessSection>>;

const hostAllowed = 'allowed is a host name with or without a port, such as quay.io or registry.example.com:5000';

/** The rules across the keys of `access`. `mirrors` are the hosts of `registry.mirrors`. */
export const checkAccess = (access: AccessConfig, mirrors: readonly string[]): ConfigProblem[] => {
  const { mode, registries, keptMs, staleMs } = access;
  const problems: ConfigProblem[] = [];
  const seen = new Set<string>();
  for (const [index, { host: raw, url: address = 'https:', insecure }] of registries.entries()) {
    const key = `access.registries[${index}]`;
    const host = registryHost(raw);
    if (host === undefined) problems.push({ key: `${key}.host`, value: raw, allowed: hostAllowed });
    else if (seen.has(host))
      problems.push({ key: `${key}.host`, value: raw, allowed: 'allowed is each registry once' });
    else seen.add(host);
    if (!insecure && !address.startsWith('https:'))
      problems.push({
        key: `${key}.url`,
        value: address,
        allowed: 'allowed is https:// as long as insecure is not set',
      });
  }
  if (staleMs < keptMs)
    problems.push({ key: 'access.staleMs', value: staleMs, allowed: `allowed is at least access.keptMs (${keptMs})` });
  for (const [index, host] of mirrors.entries()) {
    if (mode === 'verify' && !seen.has(registryHost(host) ?? host))
      problems.push({
        key: `registry.mirrors[${index}].upstream`,
        value: host,
        allowed: 'allowed with access.mode verify are the registries of access.registries',
      });
  }
  return problems;
};
