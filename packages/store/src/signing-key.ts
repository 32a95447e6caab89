import { ShoalError, type PublicKeyRecord, type Signature } from '@shoal/core';
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createFileAtomic } from './disk.ts';
import { errorCode } from './errors.ts';
import { keyIdOf } from './trusted-keys.ts';

/** An origin's Ed25519 key (RFC 8032), kept as PKCS #8 PEM in a file that only its owner can read. */
export class SigningKey {
  readonly record: PublicKeyRecord;
  readonly #key: KeyObject;

  private constructor(key: KeyObject) {
    this.#key = key;
    const raw = Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url');
    this.record = { keyId: keyIdOf(raw), publicKey: raw.toString('base64') };
  }

  /**
   * Of several processes that create the same file at once, all end with the same key.
   * @throws ShoalError KEY_INVALID when the file holds no Ed25519 private key
   */
  static async loadOrCreate(file: string): Promise<SigningKey> {
    const existing = await readIfPresent(file);
    if (existing !== undefined) return new SigningKey(parseKey(existing, file));
    const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });
    await createFileAtomic(file, Buffer.from(pem), { mode: 0o600 });
    return new SigningKey(parseKey(await readFile(file, 'utf8'), file));
  }

  sign(statement: Uint8Array): Signature {
    return { keyId: this.record.keyId, signature: sign(null, statement, this.#key).toString('base64') };
  }
}

const readIfPresent = async (file: string): Promise<string | undefined> => {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};

const parseKey = (pem: string, file: string): KeyObject => {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // The parser's message may quote the file; what matters to the operator is which file it is.
  }
  if (key?.asymmetricKeyType !== 'ed25519')
    throw new ShoalError('KEY_INVALID', 500, `signing key: ${file} holds no Ed25519 private key in PKCS #8 PEM`);
  return key;
};
