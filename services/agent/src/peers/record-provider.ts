import { encodeMetainfo, encodeReferrersRecord, encodeTagRecord } from '@shoal/core';
import { defaultLimits, type RecordProvider } from '@shoal/exchange';
import type { PieceCache } from '@shoal/store';
import type { ReferrersBook } from '../referrers/referrers-book.ts';
import type { TagBook } from '../tags/tag-book.ts';

/** What this node tells peers: signed metainfo, tags and referrers, and small blobs, as far as it has them itself. */
export const recordProvider = (cache: PieceCache, tags: TagBook, referrers: ReferrersBook): RecordProvider => ({
  metainfo: (digest) => {
    const blob = cache.get(digest);
    return blob && encodeMetainfo(blob.signed);
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
