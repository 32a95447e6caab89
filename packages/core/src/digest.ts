import { OciError } from './errors.ts';

/**
 * A content address, `<algorithm>:<lowercase hex>`; sha256 (64 hex digits) or sha512 (128).
 * Source: OCI Image Specification v1.1, descriptor.md, "Digests" (registered algorithms).
 */
export type Digest = string & { readonly __brand: 'Digest' };

export type DigestAlgorithm = 'sha256' | 'sha512';

const hexLength: Record<DigestAlgorithm, number> = { sha256: 64, sha512: 128 };

const shapes: Record<DigestAlgorithm, RegExp> = { sha256: /^[0-9a-f]{64}$/, sha512: /^[0-9a-f]{128}$/ };

/** @throws OciError DIGEST_INVALID unless `raw` is a sha256 or sha512 digest. */
export const parseDigest = (raw: string): Digest => {
  if (!isDigest(raw)) {
    throw new OciError(
      'DIGEST_INVALID',
      `digest: ${JSON.stringify(raw.slice(0, 160))} is not a digest; allowed are sha256:<64 hex digits> and sha512:<128 hex digits>, in lower case`,
    );
  }
  return raw;
};

export const isDigest = (raw: string): raw is Digest => {
  const colon = raw.indexOf(':');
  const algorithm = raw.slice(0, colon);
  return isAlgorithm(algorithm) && shapes[algorithm].test(raw.slice(colon + 1));
};

export const digestAlgorithm = (digest: Digest): DigestAlgorithm => digest.slice(0, 6) as DigestAlgorithm;

/** The hex part, without the algorithm. */
export const digestHex = (digest: Digest): string => digest.slice(7);

/** @throws OciError DIGEST_INVALID when the hash has not the algorithm's length. */
export const digestOf = (algorithm: DigestAlgorithm, hash: Uint8Array): Digest => {
  if (hash.length * 2 !== hexLength[algorithm])
    throw new OciError('DIGEST_INVALID', `digest: ${hash.length} bytes are no ${algorithm} hash`);
  return parseDigest(`${algorithm}:${hash.toHex()}`);
};

const isAlgorithm = (name: string): name is DigestAlgorithm => name === 'sha256' || name === 'sha512';
