import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type Credential, type Hello, hashBytes } from '@shoal/protocol';

/** The two sides use different labels, so that neither's proof can be played back as the other's. */
export type ProofLabel = 'shoal-tcp-dial-v1' | 'shoal-tcp-listen-v1';

/** Fresh for each connection: a proof over it is worth nothing on another one. */
export const freshNonce = (): Uint8Array => new Uint8Array(randomBytes(hashBytes));

/**
 * Proves and checks membership of the cluster by its shared secret, or its absence. The credential kind leaves
 * room for another way (mTLS) beside it.
 */
export class Proofs {
  readonly #secret: string | undefined;

  constructor(secret: string | undefined) {
    this.#secret = secret;
  }

  /** @param nonce of the other side @param signed HELLO's bytes before its credential */
  prove(label: ProofLabel, nonce: Uint8Array, signed: Uint8Array): Credential | undefined {
    if (this.#secret === undefined) return undefined;
    const bytes = createHmac('sha256', this.#secret).update(label).update(nonce).update(signed).digest();
    return { kind: 'hmac', bytes: new Uint8Array(bytes) };
  }

  /** Why the other side's HELLO proves nothing; undefined when it does. @param nonce of this side */
  flaw(label: ProofLabel, nonce: Uint8Array, { signed, credential }: Hello): string | undefined {
    const expected = this.prove(label, nonce, signed);
    if (!expected) return credential ? 'a cluster secret is proven, but none is configured here' : undefined;
    if (!credential) return 'a proof of the cluster secret is required';
    if (credential.kind !== 'hmac') return `a ${credential.kind} is not accepted here`;
    return timingSafeEqual(credential.bytes, expected.bytes) ? undefined : 'the proof of the cluster secret is wrong';
  }
}
