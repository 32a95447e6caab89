import { createHash, hash } from 'node:crypto';
import type { HashFunction } from '@shoal/core';

/** SHA-256 (FIPS 180-4) over the concatenation of the parts. */
export const sha256: HashFunction = (...parts) => {
  const [first, ...rest] = parts;
  if (first !== undefined && rest.length === 0) return hash('sha256', first, 'buffer');
  const running = createHash('sha256');
  for (const part of parts) running.update(part);
  return running.digest();
};
