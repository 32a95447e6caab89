import { UpstreamError } from './upstream-error.ts';

/** What proves to a registry who asks: a user with a password, or a token that is exchanged for access tokens. */
export type Credential =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string };

export interface CredentialSource {
  /** Undefined for anonymous access. @throws UpstreamError `denied` when there should be some and they cannot be read */
  get(): Promise<Credential | undefined>;
  /** The registry refused what `get` gave: what is asked for next is read anew. */
  refused(): void;
}

export const fixedCredential = (credential: Credential | undefined): CredentialSource => ({
  get: async () => credential,
  refused: () => {},
});

/** Long enough to spare a helper a process a request, short beside the hours for which cloud registries' tokens last. */
const keptMs = 300_000;

/** Reads credentials at most once at a time and keeps them for five minutes; a failure is not kept. */
export const keptCredential = (read: () => Promise<Credential | undefined>, clock: () => number): CredentialSource => {
  let kept: { readonly value: Promise<Credential | undefined>; readonly atMs: number } | undefined;
  return {
    get: () => {
      if (kept && clock() - kept.atMs < keptMs) return kept.value;
      const value = read();
      const current = { value, atMs: clock() };
      kept = current;
      value.catch(() => {
        if (kept === current) kept = undefined;
      });
      return value;
    },
    refused: () => {
      kept = undefined;
    },
  };
};

export const basicAuthorization = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

/** Credentials that cannot be read: the cause may quote the file or the helper, so it stays out of the message. */
export const unreadable = (what: string): UpstreamError => new UpstreamError('denied', `credentials: ${what}`);
