import { Lru } from '../lru.ts';
import type { Challenge } from './challenge.ts';
import { basicAuthorization, type CredentialSource } from './credentials.ts';
import type { TokenRequest, Tokens } from './tokens.ts';
import { UpstreamError } from './upstream-error.ts';

/** How an upstream wants to be asked: by an access token, or by a password with each request. */
type Way = { readonly scheme: 'bearer'; readonly token: TokenRequest } | { readonly scheme: 'basic' };

const scopesMax = 2_000;

/** The Authorization header of requests to one upstream. What it challenged for once is brought along from then on. */
export class Authorization {
  readonly #host: string;
  readonly #tokens: Tokens;
  readonly #credentials: CredentialSource;
  readonly #ways = new Lru<string, Way>({ sizeMax: scopesMax });

  constructor(o: { host: string; tokens: Tokens; credentials: CredentialSource }) {
    this.#host = o.host;
    this.#tokens = o.tokens;
    this.#credentials = o.credentials;
  }

  /** For a request with that scope, `repository:team/app:pull`; undefined as long as nothing was asked for. @throws UpstreamError */
  async header(scope: string): Promise<string | undefined> {
    const way = this.#ways.get(scope);
    return way && this.#headerFor(way);
  }

  /**
   * The header that answers a 401; `refused` is the one that came with the request.
   * @throws UpstreamError `denied` when there is no other way to prove who asks
   */
  async challenged(scope: string, challenges: readonly Challenge[], refused: string | undefined): Promise<string> {
    const way = wayOf(challenges, scope);
    if (!way) throw new UpstreamError('denied', `${this.#host}: it challenges neither by Bearer nor by Basic`);
    this.#ways.set(scope, way);
    if (refused?.startsWith('Basic ')) this.#credentials.refused();
    const header = await this.#headerFor(way, refused);
    if (header === undefined || header === refused)
      throw new UpstreamError(
        'denied',
        `${this.#host}: ${header === undefined ? 'it wants credentials' : 'the credentials are refused'} for ${scope}`,
      );
    return header;
  }

  async #headerFor(way: Way, refused?: string): Promise<string | undefined> {
    if (way.scheme === 'bearer') return `Bearer ${await this.#tokens.get(way.token, refused?.replace(/^Bearer /, ''))}`;
    const credential = await this.#credentials.get();
    return credential?.kind === 'password' ? basicAuthorization(credential.username, credential.password) : undefined;
  }
}

/** Bearer before Basic: a token is good for less, and for a shorter time. */
const wayOf = (challenges: readonly Challenge[], scope: string): Way | undefined => {
  for (const { scheme, params } of challenges) {
    const realm = params.get('realm');
    if (scheme === 'bearer' && realm !== undefined)
      return { scheme, token: { realm, service: params.get('service'), scope: params.get('scope') || scope } };
  }
  return challenges.some(({ scheme }) => scheme === 'basic') ? { scheme: 'basic' } : undefined;
};
