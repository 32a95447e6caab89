import { InvalidValueError, OciError, ShoalError } from '@shoal/core';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { RangeNotSatisfiableError } from './range.ts';

/** Where unexpected errors go; pino and fastify loggers fit. */
export interface ErrorLog {
  error(fields: object, message: string): void;
}

/** `{"errors":[{code,message,detail}]}`. Source: OCI Distribution Specification v1.1, "Error Codes". */
export const ociErrorBody = (code: string, message: string, detail?: unknown): string =>
  JSON.stringify({ errors: [{ code, message, ...(detail === undefined ? {} : { detail }) }] });

/**
 * Answers any error with the OCI body. What is no ShoalError is a bug or a broken disk: it is logged whole and the
 * client sees a 500 without internals.
 */
export const sendOciError = (
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  log: ErrorLog,
): FastifyReply => {
  const known = error instanceof ShoalError ? error : (fromFramework(error) ?? clientGone(request));
  if (!known) log.error({ err: error, method: request.method, path: request.url.slice(0, 300) }, 'request failed');
  const { status, code, message, detail } = known ?? {
    status: 500,
    code: 'UNKNOWN',
    message: 'internal error',
    detail: undefined,
  };
  if (known instanceof ChallengeError && known.challenges.length > 0)
    void reply.header('www-authenticate', [...known.challenges]);
  if (known instanceof RangeNotSatisfiableError) void reply.header('content-range', `bytes */${known.size}`);
  if (status === 503 || status === 429) void reply.header('retry-after', '1');
  dropBody(request);
  for (const name of ['etag', 'content-length', 'docker-content-digest', 'accept-ranges']) reply.removeHeader(name);
  return reply
    .code(status)
    .header('content-type', 'application/json')
    .send(ociErrorBody(code, message, detail));
};

/** How long the body of a refused upload is read and dropped, so that its sender sees the answer and not a reset. */
const drainMs = 10_000;

const dropBody = ({ raw }: FastifyRequest): void => {
  if (raw.complete || (raw.headers['transfer-encoding'] === undefined && !(Number(raw.headers['content-length']) > 0)))
    return;
  const timer = setTimeout(() => raw.socket.destroy(), drainMs).unref();
  const dropped = (): void => clearTimeout(timer);
  raw.once('end', dropped).once('close', dropped).resume();
};

/** 401, with the WWW-Authenticate headers of whoever decides. */
export class ChallengeError extends OciError {
  readonly challenges: readonly string[];

  constructor(message: string, challenges: readonly string[]) {
    super('UNAUTHORIZED', message);
    this.challenges = challenges;
  }
}

/** A push to something that serves pulls only: 405 UNSUPPORTED. `message` tells where to push to. */
export const pushRefused = (message: string): OciError => new OciError('UNSUPPORTED', message);

/** The connection broke while the request was read: nobody is left to answer to, and it is no failure of ours. */
const clientGone = ({ raw }: FastifyRequest): ShoalError | undefined =>
  raw.destroyed && !raw.complete ? new ShoalError('CLIENT_GONE', 499, 'the client closed the connection') : undefined;

const fromFramework = (error: unknown): ShoalError | undefined => {
  const { statusCode, code, message } = error as Partial<FastifyError>;
  if (statusCode === undefined || statusCode < 400 || statusCode > 499 || code?.startsWith('FST_') !== true)
    return undefined;
  if (statusCode === 413) return new OciError('SIZE_INVALID', 'the body is larger than allowed', { status: 413 });
  if (code === 'FST_ERR_BAD_URL') return new OciError('NAME_INVALID', 'path: not valid percent-encoding');
  return new ShoalError('UNSUPPORTED', statusCode, message ?? 'the request is not allowed');
};

/** A whole number of a query such as `n`. @throws InvalidValueError */
export const parseCount = (field: string, raw: string | null, max: number): number | undefined => {
  if (raw === null) return undefined;
  if (!/^\d{1,15}$/.test(raw)) throw new InvalidValueError(field, raw, 'allowed is a whole number');
  return Math.min(Number(raw), max);
};
