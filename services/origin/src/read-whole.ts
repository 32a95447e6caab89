import type { Digest } from '@shoal/core';
import type { BlobStore } from '@shoal/store';

/** All bytes of a small blob. Undefined when there is none, or it is larger than `bytesMax`. */
export const readWhole = async (
  blobs: BlobStore,
  digest: Digest,
  bytesMax: number,
): Promise<Uint8Array | undefined> => {
  using blob = await blobs.open(digest);
  if (!blob || blob.size > bytesMax) return undefined;
  const bytes = new Uint8Array(blob.size);
  for (let read = 0; read < bytes.length;) {
    const count = blob.readInto(bytes.subarray(read), read);
    if (count === 0) throw new Error(`blob ${digest} ends at byte ${read} of ${blob.size}`);
    read += count;
  }
  return bytes;
};
