import { createHash, type Hash, hash } from 'node:crypto';
import type { HashFunction } from '@shoal/core';

/** Copying as many bytes as fit in here costs less than a running hash. */
const copied = new Uint8Array(1024);

/** SHA-256 (FIPS 180-4) over the concatenation of the parts. */
export const sha256: HashFunction = (...parts) => {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return plain(hash('sha256', first, 'buffer'));
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  if (length <= copied.length) {
    let at = 0;
    for (const part of parts) {
      copied.set(part, at);
      at += part.length;
    }
    return plain(hash('sha256', copied.subarray(0, length), 'buffer'));
  }
  const running = createHash('sha256');
  for (const part of parts) running.update(part);
  return digestBytes(running);
};

/** The digest of a running hash as plain bytes: a value of core compares equal whether it was computed or decoded. */
export const digestBytes = (running: Hash): Uint8Array => plain(running.digest());

const plain = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
