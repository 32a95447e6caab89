import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { digestAlgorithm, digestHex, MiB } from '@shoal/core';
import type { CachedBlob } from '@shoal/store';

/** Whether the bytes in the file have the blob's digest. Costs 0.5-0.7 CPU seconds a GB; other work runs in between. */
export const matchesDigest = async (blob: CachedBlob, signal: AbortSignal): Promise<boolean> => {
  const hash = createHash(digestAlgorithm(blob.digest));
  const buffer = Buffer.allocUnsafeSlow(MiB);
  for (let position = 0; position < blob.size;) {
    const read = blob.readInto(buffer, position);
    if (read === 0) return false;
    hash.update(buffer.subarray(0, read));
    position += read;
    await nextTurn();
    signal.throwIfAborted();
  }
  return hash.digest('hex') === digestHex(blob.digest);
};
