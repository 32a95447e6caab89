import { createHash, timingSafeEqual } from 'node:crypto';
import { isLoopbackHost, ShoalError } from '@shoal/core';
import type { FastifyInstance } from 'fastify';

/**
 * Who may see the page. Without a password it listens on loopback only, and a page of another site that reaches it under
 * a name of its own (DNS rebinding) is refused; with one, the browser asks for it (HTTP Basic, any user).
 */
export const guardAccess = (app: FastifyInstance, password: string | undefined): void => {
  app.addHook('onRequest', async (request, reply) => {
    if (password === undefined) {
      const host = URL.parse(`http://${request.headers.host ?? ''}`)?.hostname.replace(/^\[|\]$/g, '') ?? '';
      if (!isLoopbackHost(host)) throw new ShoalError('FORBIDDEN', 403, 'the Host header does not name loopback');
    } else if (!isRight(request.headers.authorization, password)) {
      reply.header('www-authenticate', 'Basic realm="Shoal", charset="UTF-8"');
      throw new ShoalError('UNAUTHORIZED', 401, 'the password of the live view (ui.password) is needed');
    }
  });
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(securityHeaders);
  });
};

export const securityHeaders = {
  'content-security-policy': "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/** As `isRight`, or as a Bearer token. */
export const hasPassword = (header: string | undefined, password: string): boolean => {
  const [, token] = /^Bearer (\S{1,1024})$/i.exec(header ?? '') ?? [];
  return token === undefined ? isRight(header, password) : timingSafeEqual(sha256(token), sha256(password));
};

/** HTTP Basic with the password, of any user. */
const isRight = (header: string | undefined, password: string): boolean => {
  const [, encoded] = /^Basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(header ?? '') ?? [];
  if (encoded === undefined) return false;
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  // Hashes have one length, so the comparison tells nothing.
  return colon >= 0 && timingSafeEqual(sha256(text.slice(colon + 1)), sha256(password));
};

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
