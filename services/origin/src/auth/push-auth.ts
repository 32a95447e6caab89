import { OciError } from '@shoal/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { parseAuthorization } from './credentials.ts';
import type { Users } from './users.ts';

export interface AccessOptions {
  /** Undefined: nobody has to log in; allowed only while the origin listens on loopback. */
  readonly users: Users | undefined;
  readonly anonymousPull: boolean;
}

/**
 * Decides on every request: writes need a login, reads need one unless anonymous pulls are allowed. `GET /v2/` needs
 * one as soon as there are users: docker learns there, and only there, that it has to send its credentials.
 */
export class Access {
  readonly #options: AccessOptions;

  constructor(options: AccessOptions) {
    this.#options = options;
  }

  /** @throws OciError UNAUTHORIZED, with the challenge set on the reply */
  async check(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { users, anonymousPull } = this.#options;
    if (!users || (anonymousPull && isRead(request))) return;
    const credentials = parseAuthorization(request.headers.authorization);
    if (credentials && (await users.verify(credentials)) !== undefined) return;
    void reply.header('www-authenticate', 'Basic realm="shoal", charset="UTF-8"');
    throw new OciError(
      'UNAUTHORIZED',
      credentials ? 'the user name, password or token is not valid' : 'a login is needed',
    );
  }
}

const isRead = (request: FastifyRequest): boolean =>
  (request.method === 'GET' || request.method === 'HEAD') && !/^\/v2\/?(?:\?|$)/.test(request.raw.url ?? '');
