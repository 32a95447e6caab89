import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { InvalidValueError, type PublicKeyRecord, type Signature } from '@shoal/core';
import { sha256 } from './hash.ts';

/** The origin keys a process trusts. */
export class TrustedKeys {
  readonly records: readonly PublicKeyRecord[];
  readonly #keys: ReadonlyMap<string, KeyObject>;

  /** @throws InvalidValueError when a record is no Ed25519 key or carries the id of another key */
  constructor(records: Iterable<PublicKeyRecord>) {
    this.records = [...records];
    this.#keys = new Map(this.records.map((record) => [record.keyId, publicKeyOf(record)]));
  }

  /** True when one of the signatures is a valid one by a known key; the others do not matter. */
  verify(statement: Uint8Array, signatures: readonly Signature[]): boolean {
    return signatures.some(({ keyId, signature }) => {
      const key = this.#keys.get(keyId);
      return key !== undefined && verify(null, statement, key, Buffer.from(signature, 'base64'));
    });
  }
}

/** The first 16 bytes of SHA-256 over the raw public key, in hex. */
export const keyIdOf = (publicKey: Uint8Array): string => sha256(publicKey).subarray(0, 16).toHex();

const publicKeyOf = ({ keyId, publicKey }: PublicKeyRecord): KeyObject => {
  const raw = Buffer.from(publicKey, 'base64');
  if (raw.length !== 32) throw new InvalidValueError('publicKey', publicKey, 'allowed are 32 bytes in base64');
  if (keyIdOf(raw) !== keyId) throw new InvalidValueError('keyId', keyId, `the key's id is ${keyIdOf(raw)}`);
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
};
