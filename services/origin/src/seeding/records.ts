import { type Digest, encodeMetainfo, type RepositoryName, type Tag } from '@shoal/core';
import { defaultLimits, type RecordProvider } from '@shoal/exchange';
import type { BlobStore } from '@shoal/store';
import type { Catalog } from '../catalog/catalog.ts';
import { readWhole } from '../read-whole.ts';

/** Signed records and small blobs that peers ask for over the piece protocol. */
export const recordProvider = (blobs: BlobStore, catalog: Catalog): RecordProvider => {
  const serves = async (digest: Digest, repository: RepositoryName | ''): Promise<boolean> =>
    repository === '' ? catalog.isLinked(digest) : ((await catalog.get(repository)?.holds(digest)) ?? false);
  return {
    async metainfo(digest, repository) {
      const signed = (await serves(digest, repository)) ? await blobs.metainfo(digest) : undefined;
      return signed && encodeMetainfo(signed);
    },
    tag: (repository: RepositoryName, tag: Tag) => catalog.get(repository)?.tags.bytes(tag),
    async blob(digest, repository) {
      return (await serves(digest, repository))
        ? readWhole(blobs, digest, defaultLimits.recordBlobBytesMax)
        : undefined;
    },
  };
};
