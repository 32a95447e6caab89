import { InvalidValueError, KiB, OciError } from '@shoal/core';
import { queryOf, tokenPath } from '@shoal/registry';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readBody } from '../push/request-body.ts';
import { type AccessTokens, tokenLifetimeMs } from './access-tokens.ts';
import { type Credentials, parseAuthorization } from './credentials.ts';
import { formatScopes, type Grant, parseScopes } from './scope.ts';
import type { Users } from './users.ts';

export interface TokenEndpointOptions {
  readonly users: Users;
  readonly tokens: AccessTokens;
  readonly anonymousPull: boolean;
}

/** A form holds a name, a password and a few scopes. */
const formLimits = { bytesMax: 16 * KiB, idleTimeoutMs: 10_000, bytesPerSecondMin: KiB };

/**
 * Where registry clients change credentials, or none, for a token that is good for a few repositories and minutes:
 * `GET` with Basic credentials as docker does it, and `POST` of a form as containerd does it. Sources: distribution's
 * "Token Authentication Specification" and "OAuth2 Token Authentication".
 */
export const registerTokenEndpoint = (app: FastifyInstance, options: TokenEndpointOptions): void => {
  app.get(tokenPath, async (request, reply) => {
    const scopes = parseScopes(queryOf(request).getAll('scope'));
    return answer(options, reply, parseAuthorization(request.headers.authorization), scopes);
  });

  app.post(tokenPath, async (request, reply) => {
    const form = new URLSearchParams(Buffer.from(await readBody(request, formLimits)).toString());
    return answer(options, reply, credentialsOf(form, request), parseScopes(form.getAll('scope')));
  });
};

const answer = async (
  { users, tokens, anonymousPull }: TokenEndpointOptions,
  reply: FastifyReply,
  credentials: Credentials | undefined,
  asked: readonly Grant[],
): Promise<FastifyReply> => {
  const user = credentials && (await users.verify(credentials));
  if (credentials && user === undefined) throw refusal(reply, 'the user name, password or token is not valid');
  if (user === undefined && !anonymousPull) throw refusal(reply, 'a login is needed');
  const grants = user === undefined ? pullsOf(asked) : asked;
  const { token, issuedMs } = tokens.issue({ user, grants });
  const body = {
    token,
    access_token: token,
    token_type: 'Bearer',
    scope: formatScopes(grants),
    expires_in: tokenLifetimeMs / 1000,
    issued_at: new Date(issuedMs).toISOString(),
  };
  return reply.headers({ 'content-type': 'application/json', 'cache-control': 'no-store' }).send(JSON.stringify(body));
};

/** Challenges for Basic: to be sent for a token again would lead clients round in a circle. */
const refusal = (reply: FastifyReply, message: string): OciError => {
  void reply.header('www-authenticate', 'Basic realm="shoal", charset="UTF-8"');
  return new OciError('UNAUTHORIZED', message);
};

const pullsOf = (asked: readonly Grant[]): Grant[] =>
  asked.flatMap(({ repository, actions }) =>
    actions.includes('pull') ? [{ repository, actions: ['pull'] as const }] : [],
  );

/** The grants of RFC 6749: a password, or a static token where clients keep an identity token. */
const credentialsOf = (form: URLSearchParams, request: FastifyRequest): Credentials | undefined => {
  const field = (name: string): string => form.get(name) ?? '';
  const kind = field('grant_type');
  if (kind === 'password') {
    const [user, password] = [field('username'), field('password')];
    return user === '' && password === '' ? parseAuthorization(request.headers.authorization) : { user, password };
  }
  if (kind === 'refresh_token') return { token: field('refresh_token') };
  throw new InvalidValueError('grant_type', kind, 'allowed are password and refresh_token');
};
