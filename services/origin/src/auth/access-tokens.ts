import { type SigningKey, TrustedKeys } from '@shoal/store';
import type { Grant } from './scope.ts';

/** What a token says of its holder. */
export interface TokenClaims {
  /** Absent: nobody logged in. */
  readonly user?: string | undefined;
  readonly grants: readonly Grant[];
}

/** How long a token is good; a user that is taken away can go on for as long. */
export const tokenLifetimeMs = 300_000;

/** No token of ours is longer. */
const tokenLengthMax = 8_000;

/**
 * Bearer tokens of the registry: the claims in JSON, signed by the origin's key, so that none has to be stored and all
 * outlive a restart. Only this origin reads them; clients take them as opaque text.
 */
export class AccessTokens {
  readonly #key: SigningKey;
  readonly #trusted: TrustedKeys;
  readonly #clock: () => number;

  constructor(key: SigningKey, clock: () => number) {
    this.#key = key;
    this.#trusted = new TrustedKeys([key.record]);
    this.#clock = clock;
  }

  /** `issuedMs` is the time since the epoch. */
  issue(claims: TokenClaims): { readonly token: string; readonly issuedMs: number } {
    const issuedMs = this.#clock();
    const payload = Buffer.from(JSON.stringify({ ...claims, expiresMs: issuedMs + tokenLifetimeMs }));
    const { signature } = this.#key.sign(statementOf(payload));
    return {
      token: `${payload.toString('base64url')}.${Buffer.from(signature, 'base64').toString('base64url')}`,
      issuedMs,
    };
  }

  /** `expired` for a token that was good once; undefined for what this origin has not issued. */
  verify(token: string): TokenClaims | 'expired' | undefined {
    const match = token.length > tokenLengthMax ? null : /^([\w-]+)\.([\w-]+)$/.exec(token);
    const payload = Buffer.from(match?.[1] ?? '', 'base64url');
    const signature = Buffer.from(match?.[2] ?? '', 'base64url').toString('base64');
    const { keyId } = this.#key.record;
    if (!match || !this.#trusted.verify(statementOf(payload), [{ keyId, signature }])) return undefined;
    const { expiresMs, ...claims } = JSON.parse(payload.toString()) as TokenClaims & { readonly expiresMs: number };
    return this.#clock() < expiresMs ? claims : 'expired';
  }
}

/** The prefix keeps signatures of tokens apart from those of metainfo and tags. */
const statementOf = (payload: Uint8Array): Uint8Array => Buffer.concat([Buffer.from('shoal-token-v1\n'), payload]);
