import { isLoopbackHost, Type } from '@shoal/core';
import type { Static, TInteger, TObject, TString } from '@shoal/core';
import type { ConfigProblem } from './definition.ts';
import { choice, durationMs, host, path, port, secret, section, text } from './kinds.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** A `host` and `port` to listen on; loopback unless the configuration says otherwise. */
export const listener = (defaultPort: number, description: string): TObject<{ host: TString; port: TInteger }> =>
  section({
    host: host({
      default: '127.0.0.1',
      description: `${description}: the address to listen on; 0.0.0.0 or :: for all.`,
    }),
    port: port({ default: defaultPort, description: `${description}: the TCP port.` }),
  });

/** Certificate files of a TLS listener or client; see loadTls. */
export const tlsFiles = () =>
  section({
    certFile: path({ description: 'PEM file with the certificate and its chain.' }),
    keyFile: path({ description: 'PEM file with the private key of the certificate.' }),
    caFile: Type.Optional(
      path({ description: 'PEM file with the certificate authorities that the other side must be signed by.' }),
    ),
  });

/** The same for connections between members of the cluster, where each side checks the other. */
export const peerTlsFiles = () =>
  section({
    ...tlsFiles().properties,
    caFile: path({
      description:
        "PEM file with the cluster's own authority: whoever holds a certificate of it, for both server and client authentication, is a member.",
    }),
  });

/** The key by which sendfile(2) is switched off, of services that send blobs. */
export const sendfileKey = () =>
  choice(['auto', 'off'], {
    default: 'auto',
    description:
      'Lets the kernel move blobs from files to plain TCP connections by itself, by sendfile(2), where a trial at the start shows that this works: `auto`; `off` copies them through the process.',
  });

/** The keys that every service has. Spread them into the service's own section. */
export const baseSections = (ports: { readonly admin: number; readonly debug: number }) => ({
  log: section({
    level: choice(logLevels, { default: 'info', description: 'Least severe event that is logged.' }),
  }),
  cluster: section({
    id: text({
      default: 'shoal',
      pattern: '^[A-Za-z0-9._-]+$',
      maxLength: 64,
      description: 'Name of the cluster; processes with another one are refused.',
    }),
    secret: Type.Optional(
      secret({
        minLength: 16,
        description:
          'Shared by all processes of the cluster, which prove to each other that they hold it. Needed as soon as one of them listens beyond loopback.',
      }),
    ),
  }),
  admin: listener(ports.admin, 'Metrics and health (`/metrics`, `/livez`, `/readyz`)'),
  debug: section({
    host: host({ default: '127.0.0.1', description: 'Debug dumps (`/debug/...`): the loopback address to listen on.' }),
    port: port({ default: ports.debug, description: 'Debug dumps (`/debug/...`): the TCP port.' }),
  }),
  stop: section({
    timeoutMs: durationMs({
      default: '20s',
      min: '1s',
      max: '1h',
      description: 'How long a graceful stop may take before the process ends anyway.',
    }),
  }),
});

const baseSchema = section(baseSections({ admin: 0, debug: 0 }));
export type BaseConfig = Static<typeof baseSchema>;

/**
 * The rules that every service has: a debug listener on loopback, and no listener of cluster traffic beyond
 * loopback without a secret. `listeners` are the ones that peers, trackers or origins call, by key.
 */
export const checkBase = (
  config: BaseConfig,
  listeners: Readonly<Record<string, { readonly host: string }>>,
): ConfigProblem[] => {
  const problems: ConfigProblem[] = [];
  if (!isLoopbackHost(config.debug.host))
    problems.push({
      key: 'debug.host',
      value: config.debug.host,
      allowed: 'allowed is a loopback address (127.0.0.1, ::1): the dumps are not authenticated',
    });
  if (config.cluster.secret !== undefined) return problems;
  for (const [name, { host: listen }] of Object.entries(listeners)) {
    if (!isLoopbackHost(listen))
      problems.push({
        key: `${name}.host`,
        value: listen,
        allowed: 'allowed is a loopback address as long as cluster.secret (or cluster.secretFile) is not set',
      });
  }
  return problems;
};

/** A listener on all addresses cannot tell which of them others reach it at: `advertise` has to, with a real one. */
export const checkAdvertised = (
  name: string,
  { host: listen, advertise }: { readonly host: string; readonly advertise?: { readonly host: string } | undefined },
): ConfigProblem[] => {
  const key = `${name}.advertise`;
  if (advertise !== undefined && isUnspecified(advertise.host))
    return [{ key, value: advertise.host, allowed: 'allowed is an address that other processes can dial' }];
  if (advertise !== undefined || !isUnspecified(listen)) return [];
  const allowed = `needed is the host:port that other processes dial, as ${name}.host is ${listen}`;
  return [{ key, value: undefined, allowed }];
};

const isUnspecified = (name: string): boolean => /^[0.:]+$/.test(name);
