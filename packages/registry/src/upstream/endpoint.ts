import type { RepositoryName } from '@shoal/core';
import { Authorization } from './authorization.ts';
import { parseChallenges } from './challenge.ts';
import type { CredentialSource } from './credentials.ts';
import { type RateLimit, rateLimitOf, retryAfterMs } from './rate-limit.ts';
import { Tokens } from './tokens.ts';
import { dropBody, type TransportOptions, UpstreamTransport, type WireAnswer } from './transport.ts';
import { UpstreamError } from './upstream-error.ts';

/** What is asked for, as it is counted. */
export type AskedFor = 'manifest' | 'blob' | 'list';

export interface EndpointEvents {
  /** One request to the registry itself was answered, redirects followed; `status` is the last one. */
  answered(method: string, askedFor: AskedFor, status: number): void;
  rateLimit(limit: RateLimit): void;
}

export interface EndpointOptions extends TransportOptions {
  readonly credentials: CredentialSource;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
  readonly events: EndpointEvents;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD';
  readonly askedFor: AskedFor;
  readonly repository: RepositoryName;
  /** Below `/v2/<repository>/`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** A request on behalf of somebody else. */
export interface ProbeRequest extends Pick<RegistryRequest, 'method' | 'headers' | 'signal'> {
  /** Below `/v2/`. */
  readonly path: string;
  /** The header that they brought; it goes to this address alone. */
  readonly authorization: string | undefined;
}

export interface RegistryAnswer extends WireAnswer {
  /** Where the answer came from in the end. */
  readonly url: URL;
}

const redirectsMax = 5;

/** One address of a registry: requests with the authorization it asks for, redirects followed. */
export class Endpoint {
  readonly url: URL;
  readonly #o: EndpointOptions;
  readonly #transport: UpstreamTransport;
  readonly #authorization: Authorization;

  constructor(options: EndpointOptions) {
    const { url, credentials, clock } = options;
    this.url = url;
    this.#o = options;
    this.#transport = new UpstreamTransport(options);
    const tokens = new Tokens({ transport: this.#transport, credentials, clock });
    this.#authorization = new Authorization({ host: url.host, tokens, credentials });
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  /**
   * An answer with status 2xx (or 304); anything else is an UpstreamError. The caller reads its body or drops it.
   * @throws UpstreamError; the signal's reason
   */
  async ask(request: RegistryRequest): Promise<RegistryAnswer> {
    const { method, askedFor, repository, path } = request;
    const scope = `repository:${repository}:pull`;
    let authorization = await this.#authorization.header(scope);
    // Once more after a 401: with the first token of this scope, or with a fresh one.
    for (let retried = false; ; retried = true) {
      const answer = await this.#follow({ ...request, path: `${repository}/${path}`, authorization });
      const { statusCode, headers, url } = answer;
      this.#o.events.answered(method, askedFor, statusCode);
      const limit = rateLimitOf(headers);
      if (limit) this.#o.events.rateLimit(limit);
      if (statusCode >= 200 && statusCode < 300) return answer;
      await dropBody(answer);
      const redirected = url.origin !== this.url.origin;
      if (statusCode !== 401 || retried || redirected) throw refusal(answer, request, redirected);
      const challenges = parseChallenges(headers['www-authenticate']);
      authorization = await this.#authorization.challenged(scope, challenges, authorization);
    }
  }

  /**
   * The answer to somebody else's credentials, whatever its status; ours are not used. The caller reads its body or
   * drops it. @throws UpstreamError when there is no answer; the signal's reason
   */
  probe(request: ProbeRequest): Promise<RegistryAnswer> {
    return this.#follow(request);
  }

  /** Object storage must not see the Authorization header: it is not meant for it, and S3 answers 400 to two of them. */
  async #follow({ method, path, headers, signal, authorization }: ProbeRequest): Promise<RegistryAnswer> {
    const base = this.url.pathname.replace(/\/+$/, '');
    let url = new URL(`${base}/v2/${path}`, this.url);
    for (let redirects = 0; ; redirects++) {
      const own = url.origin === this.url.origin && authorization !== undefined;
      const sent = { ...headers, ...(own && { authorization }) };
      const answer = await this.#transport.send({ method, url, headers: sent, signal });
      if (![301, 302, 303, 307, 308].includes(answer.statusCode)) return { ...answer, url };
      await dropBody(answer);
      if (redirects === redirectsMax)
        throw new UpstreamError('invalid', `${this.url.host}: more than ${redirectsMax} redirects`);
      url = this.#target(url, answer.headers['location']);
    }
  }

  #target(from: URL, location: string | string[] | undefined): URL {
    const target = URL.parse([location ?? ''].flat()[0] ?? '', from);
    if (!target || location === undefined) throw new UpstreamError('invalid', `${from.host}: it redirects to no URL`);
    if (!this.#transport.allows(target))
      throw new UpstreamError(
        'invalid',
        `${from.host}: its redirect to ${target.protocol}//${target.host} is not allowed; only https is`,
      );
    return target;
  }
}

/** What a status other than 2xx means. Object storage that refuses has most likely seen its URL expire: the registry gives a new one. */
const refusal = (
  { statusCode, headers, url }: RegistryAnswer,
  request: RegistryRequest,
  redirected: boolean,
): UpstreamError => {
  const what = `${url.host}: ${request.askedFor} ${request.repository}/${request.path}`;
  const options = { retryAfterMs: retryAfterMs(headers, Date.now()) };
  if (statusCode === 429) return new UpstreamError('limited', `${what}: too many requests (429)`, options);
  if (statusCode >= 500) return new UpstreamError('unreachable', `${what}: status ${statusCode}`, options);
  if (statusCode === 404 || statusCode === 410)
    return new UpstreamError('absent', `${what}: not there (${statusCode})`);
  if (redirected) return new UpstreamError('unreachable', `${what}: the storage answered ${statusCode}`);
  if (statusCode === 401 || statusCode === 403)
    return new UpstreamError('denied', `${what}: access is denied (${statusCode})`);
  return new UpstreamError('invalid', `${what}: status ${statusCode}`);
};
