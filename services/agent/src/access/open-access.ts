import type { Digest, RepositoryName } from '@shoal/core';
import { Endpoint, type EndpointOptions, fixedCredential, Lru, registryHost, registryUrl } from '@shoal/registry';
import { loadAuthorities } from '@shoal/service';
import type { Ground } from '../ground.ts';
import { ownerKey } from '../origin/origins.ts';
import type { AgentRegistry } from '../http/agent-registry.ts';
import type { ServedRegistry } from '../http/registry-server.ts';
import { Authority } from './authority.ts';
import { CheckedRegistry } from './checked-registry.ts';
import { AccessGate } from './gate.ts';
import type { TokenRelayOptions } from './token-relay.ts';

export interface Access {
  readonly registry: ServedRegistry;
  readonly tokenRelay: TokenRelayOptions | undefined;
}

/** The registry as `access.mode` wants it served. What is opened for that is closed with `parts`. @throws TlsFileError */
export const openAccess = (parts: AsyncDisposableStack, ground: Ground, registry: AgentRegistry): Access => {
  const { config, clock, events, isOwnName, pool } = ground;
  const { mode, keptMs, staleMs, deadlineMs } = config.access;
  if (mode === 'open') return { registry, tokenRelay: undefined };
  const gate = new AccessGate({
    own: ownAuthority(parts, ground),
    others: otherAuthorities(parts, ground),
    keptMs,
    staleMs,
    clock,
    checked: (outcome) => events.accessChecked(outcome),
  });
  const nameOf: AgentRegistry['nameOf'] = (...name) => registry.nameOf(...name);
  return {
    registry: new CheckedRegistry({ gate, registry, nameOf, isOwnName, holds: holdings(ground) }),
    tokenRelay: { origins: config.origins, deadlineMs, pool },
  };
};

const heldMax = 20_000;

/** What a repository has it keeps, so a positive answer is remembered. */
const holdings = ({ origins }: Ground): ((name: RepositoryName, digest: Digest) => Promise<boolean>) => {
  const held = new Lru<string, true>({ sizeMax: heldMax });
  return async (name, digest) => {
    const key = `${name}@${digest}`;
    if (held.get(key)) return true;
    const { kind } = await origins.ask((client) => client.metainfo(digest, name), ownerKey(name, digest));
    if (kind === 'found') held.set(key, true);
    return kind === 'found';
  };
};

const ownAuthority = (parts: AsyncDisposableStack, { config, clock }: Ground): Authority => {
  const ca = authorities('trust.caFile', config.trust.caFile);
  const { deadlineMs } = config.access;
  const endpoints = config.origins.map((address) =>
    endpoint({ url: new URL(address), ca, insecure: address.startsWith('http:'), clock }, deadlineMs),
  );
  const tokensBy = config.origins.map((address) => new URL(address).origin);
  const own = new Authority({ host: 'the origin', endpoints, tokensBy, deadlineMs, clock });
  parts.defer(() => own.close());
  return own;
};

const otherAuthorities = (parts: AsyncDisposableStack, { config, clock }: Ground): Map<string, Authority> => {
  const { registries, deadlineMs } = config.access;
  return new Map(
    registries.map(({ host: raw, url, caFile, insecure, proxy }, index) => {
      const host = registryHost(raw) ?? raw;
      const ca = authorities(`access.registries[${index}].caFile`, caFile);
      const at = endpoint({ url: new URL(url ?? registryUrl(host)), ca, insecure, proxy, clock }, deadlineMs);
      const other = new Authority({ host, endpoints: [at], tokensBy: [], deadlineMs, clock });
      parts.defer(() => other.close());
      return [host, other];
    }),
  );
};

/** Clients without credentials get what is given to anybody: the agent has none of its own. */
const endpoint = (
  options: Pick<EndpointOptions, 'url' | 'ca' | 'insecure' | 'proxy' | 'clock'>,
  deadlineMs: number,
): Endpoint =>
  new Endpoint({
    ...options,
    credentials: fixedCredential(undefined),
    deadlines: { connectMs: deadlineMs, answerMs: deadlineMs, stallMs: deadlineMs },
    events: { answered: () => {}, rateLimit: () => {} },
  });

const authorities = (key: string, file: string | undefined): Buffer | undefined =>
  file === undefined ? undefined : loadAuthorities(key, file);
