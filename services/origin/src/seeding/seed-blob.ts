import type { BlobCut } from '@shoal/core';
import type { SeedBlob } from '@shoal/exchange';
import type { StoredBlob } from '@shoal/store';

/** A blob of the store, whole or still growing, as peers read it. */
export const seedBlob = (blob: Pick<StoredBlob, 'readInto' | 'fd'>, metainfo: BlobCut): SeedBlob => ({
  metainfo,
  readInto: (buffer, position) => blob.readInto(buffer, position),
  get fd() {
    return blob.fd;
  },
});
