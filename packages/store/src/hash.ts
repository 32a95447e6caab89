import { createHash, type Hash, hash } from 'node:crypto';
import type { HashFunction } from '@shoal/core';

/** SHA-256 (FIPS 180-4) over the concatenation of the parts. */
export const sha256: HashFunction = (...parts) => {
  const [first, ...rest] = parts;
  if (first !== undefined && rest.length === 0) return plain(hash('sha256', first, 'buffer'));
  const running = createHash('sha256');
  for (const part of parts) running.update(part);
  return digestBytes(running);
};

/** The digest of a running hash as plain bytes: a value of core compares equal whether it was computed or decoded. */
export const digestBytes = (running: Hash): Uint8Array => plain(running.digest());

const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
