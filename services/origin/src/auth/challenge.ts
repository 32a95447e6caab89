import { isIPv6, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { formatScopes, type Grant } from './scope.ts';

export const tokenPath = '/shoal/v1/token';

export interface ChallengeOptions {
  readonly required: readonly Grant[];
  /** Source: RFC 6750, section 3.1. */
  readonly error?: 'invalid_token' | 'insufficient_scope' | undefined;
}

/** The value of `WWW-Authenticate` that sends clients to the token endpoint. Source: distribution's token specification. */
export const bearerChallenge = (realm: string, { required, error }: ChallengeOptions): string => {
  const scope = formatScopes(required);
  const parts = [`realm="${realm}"`, 'service="shoal"', scope && `scope="${scope}"`, error && `error="${error}"`];
  return `Bearer ${parts.filter(Boolean).join(',')}`;
};

/** Names, IPv4 and IPv6 addresses with an optional port: nothing that could end a quoted string or hold a user. */
const plainHost = /^(?:[a-z0-9_](?:[a-z0-9._-]{0,253}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * The URL of the token endpoint for this client: what is configured, else where the client says it reached us. A Host
 * header that is no plain host is not repeated; the address of the connection stands in for it.
 */
export const realmOf = (request: FastifyRequest, configured: string | undefined): string => {
  if (configured !== undefined) return new URL(configured).href;
  const { socket, headers } = request.raw;
  const host = headers.host !== undefined && plainHost.test(headers.host) ? headers.host : localHost(socket);
  return `${socket instanceof TLSSocket ? 'https' : 'http'}://${host}${tokenPath}`;
};

const localHost = ({ localAddress = '127.0.0.1', localPort = 80 }: Socket): string =>
  isIPv6(localAddress) ? `[${localAddress}]:${localPort}` : `${localAddress}:${localPort}`;
