import { createHash, randomBytes } from 'node:crypto';
import { closeSync, openSync, writeSync } from 'node:fs';
import { type Digest, digestOf, KiB } from '@shoal/core';

export interface BlobFile {
  readonly path: string;
  readonly size: number;
  readonly digest: Digest;
}

const block = randomBytes(256 * KiB);

/** Writes a file whose blocks of 256 KiB all differ, within itself and from those of every other call. */
export const writeBlobFile = (path: string, size: number): BlobFile => {
  const hash = createHash('sha256');
  const fd = openSync(path, 'w');
  const stamp = randomBytes(16);
  try {
    for (let at = 0; at < size; at += block.length) {
      stamp.copy(block);
      block.writeUIntBE(at / block.length, 16, 6);
      const part = block.subarray(0, Math.min(block.length, size - at));
      hash.update(part);
      writeSync(fd, part);
    }
  } finally {
    closeSync(fd);
  }
  return { path, size, digest: digestOf('sha256', hash.digest()) };
};
