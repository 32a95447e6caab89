import { InvalidValueError } from './errors.ts';

/** An Ed25519 signature (RFC 8032) by the origin key of that id. */
export interface Signature {
  /** The first 16 bytes of SHA-256 over the raw public key, in hex. */
  readonly keyId: string;
  /** 64 bytes in base64. */
  readonly signature: string;
}

/** An origin's public key as agents pin it: `publicKey` is the raw 32 bytes in base64. */
export interface PublicKeyRecord {
  readonly keyId: string;
  readonly publicKey: string;
}

/** More origins than this do not sign one statement. */
export const signaturesMax = 16;

/** @throws InvalidValueError */
export const parseSignatures = (raw: unknown): Signature[] => {
  if (!Array.isArray(raw) || raw.length > signaturesMax)
    throw new InvalidValueError('signatures', raw, `a list of at most ${signaturesMax}`);
  return raw.map((entry: unknown) => {
    const { keyId, signature } = (entry ?? {}) as Record<string, unknown>;
    if (typeof keyId !== 'string' || !/^[0-9a-f]{32}$/.test(keyId))
      throw new InvalidValueError('signatures.keyId', keyId, '32 hex digits');
    if (typeof signature !== 'string' || !/^[A-Za-z0-9+/]{86}==$/.test(signature))
      throw new InvalidValueError('signatures.signature', signature, '64 bytes in base64');
    return { keyId, signature };
  });
};
