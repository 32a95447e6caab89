import { OciError } from '@shoal/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AccessTokens, TokenClaims } from './access-tokens.ts';
import { bearerChallenge, type ChallengeOptions, realmOf } from './challenge.ts';
import { parseAuthorization } from './credentials.ts';
import { covers, type Grant } from './scope.ts';
import type { Users } from './users.ts';

export interface AccessOptions {
  /** Undefined: nobody has to log in; allowed only while the origin listens on loopback. */
  readonly users: Users | undefined;
  readonly tokens: AccessTokens;
  readonly anonymousPull: boolean;
  /** URL of the token endpoint as clients reach it; undefined: where they reached the registry. */
  readonly realm: string | undefined;
}

/**
 * Decides on every request: writes need a login, reads need one unless anonymous pulls are allowed. A login is a
 * token of ours that grants what the request needs, or the credentials themselves. `GET /v2/` needs either as soon as
 * there are users: docker learns there, and only there, that it has to ask for tokens.
 */
export class Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** @throws OciError UNAUTHORIZED, with the challenge set on the reply */
  async check(request: FastifyRequest, reply: FastifyReply, required: readonly Grant[]): Promise<void> {
    const { users, tokens, anonymousPull } = this.#options;
    if (!users || (anonymousPull && isRead(request) && !isBase(request))) return;
    const credentials = parseAuthorization(request.headers.authorization);
    if (!credentials) throw this.#refusal(request, reply, { required }, 'a login is needed');
    const claims = 'token' in credentials ? tokens.verify(credentials.token) : undefined;
    if (claims === 'expired')
      throw this.#refusal(request, reply, { required, error: 'invalid_token' }, 'the token has expired');
    if (claims) {
      const needed = anonymousPull ? withoutPulls(required) : required;
      if (covers(claims.grants, needed) && (claims.user !== undefined || isRead(request))) return;
      throw this.#refusal(request, reply, { required, error: 'insufficient_scope' }, notGranted(claims));
    }
    if ((await users.verify(credentials)) === undefined) {
      const error = 'token' in credentials ? 'invalid_token' : undefined;
      throw this.#refusal(request, reply, { required, error }, 'the user name, password or token is not valid');
    }
  }

  #refusal(request: FastifyRequest, reply: FastifyReply, challenge: ChallengeOptions, message: string): OciError {
    void reply.header('www-authenticate', bearerChallenge(realmOf(request, this.#options.realm), challenge));
    return new OciError('UNAUTHORIZED', message);
  }
}

const isRead = ({ method }: FastifyRequest): boolean => method === 'GET' || method === 'HEAD';

const isBase = ({ raw }: FastifyRequest): boolean => /^\/v2\/?(?:\?|$)/.test(raw.url ?? '');

const withoutPulls = (required: readonly Grant[]): Grant[] =>
  required.map((grant) => ({ ...grant, actions: grant.actions.filter((action) => action !== 'pull') }));

const notGranted = ({ user }: TokenClaims): string =>
  user === undefined ? 'a login is needed: only pulls are allowed without one' : 'the token does not grant this';
