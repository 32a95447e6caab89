import { clientUrl, tokenPath } from '@shoal/registry';
import type { FastifyRequest } from 'fastify';
import { formatScopes, type Grant } from './scope.ts';

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

/** The URL of the token endpoint for this client: what is configured, else where the client says it reached us. */
export const realmOf = (request: FastifyRequest, configured: string | undefined): string =>
  configured === undefined ? `${clientUrl(request)}${tokenPath}` : new URL(configured).href;
