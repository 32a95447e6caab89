/**
 * The shared secret of a cluster on HTTP. A request carries
 *   shoal-time   milliseconds since the epoch
 *   shoal-nonce  16 random bytes, base64url
 *   shoal-auth   hex HMAC-SHA256(secret, "shoal-http-v1\n" method "\n" path+query "\n" time "\n" nonce "\n" sha256hex(body))
 * and its answer
 *   shoal-proof  hex HMAC-SHA256(secret, "shoal-http-answer-v1\n" nonce "\n" status)
 * so that either side knows that the other holds the secret. A body that is streamed is signed as the words
 * `unsigned-body` in place of its hash; only routes that check their body by other means (a digest) take it.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { ShoalError } from '@shoal/core';
import { NonceCache } from './nonce-cache.ts';

/** 401: the other side could not prove that it belongs to the cluster. The message says what is wrong. */
export class ClusterAuthError extends ShoalError {
  constructor(message: string) {
    super('CLUSTER_UNAUTHORIZED', 401, message);
  }
}

/** In place of a body whose bytes are not part of the signature. */
export const unsignedBody: unique symbol = Symbol('unsigned body');
export type SignedBody = Uint8Array | string | typeof unsignedBody | undefined;

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface RequestToSign {
  readonly method: string;
  /** Path with query, as it stands in the request line. */
  readonly path: string;
  readonly body?: SignedBody;
}

export interface ClusterAuth {
  /** False when no secret is configured: nothing is signed and everything is accepted. */
  readonly enabled: boolean;
  /** Headers of a request; `shoal-nonce` among them is what the answer is proved with. */
  signHeaders(request: RequestToSign): Record<string, string>;
  /** @returns the nonce for `answerHeaders`. @throws ClusterAuthError */
  verifyRequest(request: RequestToSign & { readonly headers: Headers }): string;
  /** The checks of `verifyRequest` that need no body: run them before one is read. @throws ClusterAuthError */
  verifyHeaders(headers: Headers): void;
  answerHeaders(nonce: string, status: number): Record<string, string>;
  /** @throws ClusterAuthError when the answer does not come from a holder of the secret. */
  verifyAnswer(answer: { readonly nonce: string; readonly status: number; readonly headers: Headers }): void;
}

export interface ClusterAuthOptions {
  /** Milliseconds since the epoch. */
  readonly clock?: () => number;
  readonly skewMsMax?: number;
  readonly noncesMax?: number;
}

export const clusterAuth = (secret: string | undefined, options: ClusterAuthOptions = {}): ClusterAuth =>
  secret === undefined ? openAuth : new SecretAuth(secret, options);

const openAuth: ClusterAuth = {
  enabled: false,
  signHeaders: () => ({}),
  verifyRequest: () => '',
  verifyHeaders: () => {},
  answerHeaders: () => ({}),
  verifyAnswer: () => {},
};

class SecretAuth implements ClusterAuth {
  readonly enabled = true;
  readonly #secret: string;
  readonly #clock: () => number;
  readonly #skewMsMax: number;
  readonly #nonces: NonceCache;

  constructor(secret: string, { clock = Date.now, skewMsMax = 300_000, noncesMax = 131_072 }: ClusterAuthOptions) {
    this.#secret = secret;
    this.#clock = clock;
    this.#skewMsMax = skewMsMax;
    this.#nonces = new NonceCache(noncesMax);
  }

  signHeaders(request: RequestToSign): Record<string, string> {
    const time = String(this.#clock());
    const nonce = randomBytes(16).toString('base64url');
    return { 'shoal-time': time, 'shoal-nonce': nonce, 'shoal-auth': this.#requestMac(request, time, nonce) };
  }

  verifyHeaders(headers: Headers): void {
    for (const name of ['shoal-time', 'shoal-nonce', 'shoal-auth']) {
      if (typeof headers[name] !== 'string')
        throw new ClusterAuthError(
          `the header ${name} is missing: requests are signed with the cluster secret (cluster.secret)`,
        );
    }
    const time = String(headers['shoal-time']);
    const differenceMs = /^\d{1,15}$/.test(time) ? Number(time) - this.#clock() : Number.NaN;
    if (!(Math.abs(differenceMs) <= this.#skewMsMax)) {
      throw new ClusterAuthError(
        `shoal-time: the clocks of the two sides differ by more than ${this.#skewMsMax / 1000} s`,
      );
    }
    if (!isNonce(String(headers['shoal-nonce'])))
      throw new ClusterAuthError('shoal-nonce: allowed are 16 to 64 base64url characters');
  }

  verifyRequest(request: RequestToSign & { readonly headers: Headers }): string {
    this.verifyHeaders(request.headers);
    const time = String(request.headers['shoal-time']);
    const nonce = String(request.headers['shoal-nonce']);
    if (!equalHex(String(request.headers['shoal-auth']), this.#requestMac(request, time, nonce))) {
      throw new ClusterAuthError(
        'shoal-auth: the signature does not match; both sides need the same cluster secret (cluster.secret)',
      );
    }
    // Only nonces of valid requests are remembered: nobody without the secret can fill the cache.
    const seen = this.#nonces.add(nonce, Number(time), this.#clock() - this.#skewMsMax);
    if (seen === 'replayed') throw new ClusterAuthError('shoal-nonce: this request was received before');
    if (seen === 'tooOld')
      throw new ClusterAuthError('shoal-time: the request is too old to tell whether it was received before');
    return nonce;
  }

  answerHeaders(nonce: string, status: number): Record<string, string> {
    return { 'shoal-proof': this.#answerMac(nonce, status) };
  }

  verifyAnswer({
    nonce,
    status,
    headers,
  }: {
    readonly nonce: string;
    readonly status: number;
    readonly headers: Headers;
  }): void {
    const proof = headers['shoal-proof'];
    if (typeof proof !== 'string')
      throw new ClusterAuthError(`the answer (${status}) carries no shoal-proof: the other side has no cluster secret`);
    if (!equalHex(proof, this.#answerMac(nonce, status)))
      throw new ClusterAuthError('shoal-proof: the other side has another cluster secret');
  }

  #requestMac({ method, path, body }: RequestToSign, time: string, nonce: string): string {
    return this.#mac(`shoal-http-v1\n${method}\n${path}\n${time}\n${nonce}\n${bodyHash(body)}`);
  }

  #answerMac(nonce: string, status: number): string {
    return this.#mac(`shoal-http-answer-v1\n${nonce}\n${status}`);
  }

  #mac(text: string): string {
    return createHmac('sha256', this.#secret).update(text).digest('hex');
  }
}

export const isNonce = (raw: string): boolean => /^[A-Za-z0-9_-]{16,64}$/.test(raw);

const bodyHash = (body: SignedBody): string =>
  body === unsignedBody
    ? 'unsigned-body'
    : createHash('sha256')
        .update(body ?? '')
        .digest('hex');

/** Compares in a time that does not depend on where two values differ. */
const equalHex = (given: string, expected: string): boolean => {
  if (!/^[0-9a-f]{64}$/.test(given)) return false;
  return timingSafeEqual(Buffer.from(given, 'hex'), Buffer.from(expected, 'hex'));
};
