import { Lru } from '../lru.ts';
import { SingleFlight } from '../single-flight.ts';
import { basicAuthorization, type Credential, type CredentialSource } from './credentials.ts';
import { dropBody, readBody, type UpstreamTransport, type WireAnswer } from './transport.ts';
import { UpstreamError } from './upstream-error.ts';

/** Where an access token is to be had, as a Bearer challenge says. Source: distribution, docs/spec/auth/token.md. */
export interface TokenRequest {
  readonly realm: string;
  readonly service: string | undefined;
  readonly scope: string;
}

interface KeptToken {
  readonly value: string;
  readonly untilMs: number;
}

export interface TokensOptions {
  readonly transport: UpstreamTransport;
  readonly credentials: CredentialSource;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
}

const clientId = 'shoal';
const answerBytesMax = 256 * 1024;
const deadlineMs = 20_000;
/** Tokens without `expires_in` last so long. Source: token.md. */
const lifetimeSecondsDefault = 60;
/** A token is no longer used when this much of its life is left, at most a quarter of it. */
const marginMs = 15_000;
const tokensMax = 2_000;

/** Access tokens of one upstream, by realm, service and scope; each is fetched once at a time. */
export class Tokens {
  readonly #o: TokensOptions;
  readonly #kept = new Lru<string, KeptToken>({ sizeMax: tokensMax });
  readonly #flights = new SingleFlight<string>({ keysMax: tokensMax });

  constructor(options: TokensOptions) {
    this.#o = options;
  }

  /**
   * A token that is good for a while; never `refused`, the one that the registry has just turned down.
   * @throws UpstreamError
   */
  async get(wanted: TokenRequest, refused?: string): Promise<string> {
    const key = JSON.stringify([wanted.realm, wanted.service, wanted.scope]);
    const kept = this.#kept.get(key);
    if (kept && kept.untilMs > this.#o.clock() && kept.value !== refused) return kept.value;
    return this.#flights.run(key, async () => {
      const token = await this.#fetch(wanted);
      this.#kept.set(key, token);
      return token.value;
    });
  }

  async #fetch(wanted: TokenRequest): Promise<KeptToken> {
    const { clock, credentials } = this.#o;
    const realm = this.#realm(wanted.realm);
    const credential = await credentials.get();
    const answer = await this.#ask(realm, wanted, credential);
    const { statusCode } = answer;
    if (statusCode === 401 || statusCode === 403) {
      await dropBody(answer);
      credentials.refused();
      throw new UpstreamError('denied', `${realm.host}: no token for ${wanted.scope} (status ${statusCode})`);
    }
    if (statusCode !== 200) {
      await dropBody(answer);
      throw new UpstreamError(
        statusCode === 429 || statusCode >= 500 ? 'unreachable' : 'invalid',
        `${realm.host}: the token server answered ${statusCode}`,
      );
    }
    return keptToken(realm, await readBody(realm, answer, answerBytesMax), clock());
  }

  /** Credentials go where the upstream says, so the upstream itself must have said it over TLS, and the realm be under TLS. */
  #realm(raw: string): URL {
    const realm = URL.parse(raw);
    if (!realm || !this.#o.transport.allows(realm)) {
      const shown = realm ? `${realm.protocol}//${realm.host}` : 'no URL';
      throw new UpstreamError('invalid', `realm: ${shown} is not allowed; a token server must be reached by https`);
    }
    return realm;
  }

  async #ask(realm: URL, wanted: TokenRequest, credential: Credential | undefined): Promise<WireAnswer> {
    if (credential?.kind === 'identity')
      return this.#post(realm, wanted, { grant_type: 'refresh_token', refresh_token: credential.token });
    const answer = await this.#get(realm, wanted, credential);
    if (!credential || (answer.statusCode !== 404 && answer.statusCode !== 405)) return answer;
    await dropBody(answer);
    // Some token servers know the OAuth2 form only. Source: distribution, docs/spec/auth/oauth.md.
    const { username, password } = credential;
    return this.#post(realm, wanted, { grant_type: 'password', username, password });
  }

  #get(realm: URL, { service, scope }: TokenRequest, credential: Credential | undefined): Promise<WireAnswer> {
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set('service', service);
    url.searchParams.set('scope', scope);
    const headers: Record<string, string> = { accept: 'application/json' };
    if (credential?.kind === 'password') {
      url.searchParams.set('account', credential.username);
      headers['authorization'] = basicAuthorization(credential.username, credential.password);
    }
    return this.#o.transport.send({ method: 'GET', url, headers, signal: AbortSignal.timeout(deadlineMs) });
  }

  #post(realm: URL, { service, scope }: TokenRequest, grant: Record<string, string>): Promise<WireAnswer> {
    const form = new URLSearchParams({
      ...grant,
      client_id: clientId,
      scope,
      ...(service !== undefined && { service }),
    });
    return this.#o.transport.send({
      method: 'POST',
      url: realm,
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
      signal: AbortSignal.timeout(deadlineMs),
    });
  }
}

const keptToken = (realm: URL, body: Buffer, nowMs: number): KeptToken => {
  let answer: { token?: unknown; access_token?: unknown; expires_in?: unknown };
  try {
    answer = (JSON.parse(body.toString()) ?? {}) as typeof answer;
  } catch {
    throw new UpstreamError('invalid', `${realm.host}: the token server's answer is not JSON`);
  }
  const value = answer.token || answer.access_token;
  // What would not be one header value must not become one.
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new UpstreamError('invalid', `${realm.host}: the token server's answer holds no token`);
  const seconds = Number(answer.expires_in) > 0 ? Number(answer.expires_in) : lifetimeSecondsDefault;
  const lifetimeMs = Math.min(seconds, 86_400) * 1000;
  return { value, untilMs: nowMs + lifetimeMs - Math.min(marginMs, lifetimeMs / 4) };
};
