import {
  type BlobCut,
  type Digest,
  encodeCut,
  encodeMetainfo,
  encodeReferrersRecord,
  encodeTagRecord,
} from '@shoal/core';
import { defaultLimits, type RecordProvider } from '@shoal/exchange';
import type { PieceCache } from '@shoal/store';
import type { ReferrersBook } from '../referrers/referrers-book.ts';
import type { TagBook } from '../tags/tag-book.ts';

export interface RecordSources {
  readonly cache: PieceCache;
  readonly tags: TagBook;
  readonly referrers: ReferrersBook;
  /** How the blobs are cut that this node is receiving from their own registries. */
  readonly receiving: ReadonlyMap<Digest, BlobCut>;
}

/** What this node tells peers: signed metainfo, tags and referrers, and small blobs, as far as it has them itself. */
export const recordProvider = ({ cache, tags, referrers, receiving }: RecordSources): RecordProvider => ({
  metainfo: (digest) => {
    const blob = cache.get(digest);
    if (blob) return encodeMetainfo(blob.signed);
    const cut = receiving.get(digest);
    return cut && encodeCut(cut);
  },
  tag: (repository, tag) => {
    const signed = tags.known(repository, tag);
    if (signed) return encodeTagRecord(signed);
    const record = referrers.knownUnder(repository, tag);
    return record && encodeReferrersRecord(record);
  },
  blob: (digest) => {
    const blob = cache.get(digest);
    if (!blob?.complete || blob.size > defaultLimits.recordBlobBytesMax) return undefined;
    const bytes = Buffer.allocUnsafeSlow(blob.size);
    blob.touch();
    return blob.readInto(bytes, 0) === blob.size ? bytes : undefined;
  },
});
