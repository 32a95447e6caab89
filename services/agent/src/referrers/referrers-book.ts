import {
  decodeReferrersRecord,
  type Digest,
  encodeReferrersRecord,
  KiB,
  referrersKey,
  referrersStatement,
  type RepositoryName,
  type SignedReferrersRecord,
  type Tag,
} from '@shoal/core';
import type { TagRecordStore, VerifyStatement } from '../tags/tag-book.ts';

/** What the store takes of one record; a longer list is answered, and not kept. */
const recordBytesMax = 64 * KiB;

/**
 * What refers to what, as far as this node has heard: signed by a trusted origin. The records lie among those of tags, under
 * names of their own (`referrersKey`).
 */
export class ReferrersBook {
  readonly #store: TagRecordStore;
  readonly #verify: VerifyStatement;

  constructor(o: { store: TagRecordStore; verify: VerifyStatement }) {
    this.#store = o.store;
    this.#verify = o.verify;
  }

  known(repository: RepositoryName, subject: Digest): SignedReferrersRecord | undefined {
    const signed = this.knownUnder(repository, referrersKey(subject));
    return signed?.record.subject === subject ? signed : undefined;
  }

  /** As `known`, by the name that the record is kept under; undefined for the name of anything else. */
  knownUnder(repository: RepositoryName, key: Tag): SignedReferrersRecord | undefined {
    const bytes = this.#store.tagRecord(repository, key);
    const signed = bytes && this.#decode(bytes);
    return signed?.record.repository === repository && referrersKey(signed.record.subject) === key ? signed : undefined;
  }

  /** The record in `bytes`, or undefined when it is malformed, about another subject, or signed by nobody trusted. */
  parse(repository: RepositoryName, subject: Digest, bytes: Uint8Array): SignedReferrersRecord | undefined {
    const signed = this.#decode(bytes);
    return signed?.record.repository === repository && signed.record.subject === subject ? signed : undefined;
  }

  /** Keeps the record when it is newer than the one that is known; gives the newer one. */
  offer(signed: SignedReferrersRecord): SignedReferrersRecord {
    const { repository, subject, timeMs } = signed.record;
    const known = this.known(repository, subject);
    if (known && known.record.timeMs >= timeMs) return known;
    const bytes = encodeReferrersRecord(signed);
    if (bytes.length <= recordBytesMax) this.#store.putTagRecord(repository, referrersKey(subject), bytes);
    return signed;
  }

  #decode(bytes: Uint8Array): SignedReferrersRecord | undefined {
    try {
      const signed = decodeReferrersRecord(bytes);
      return this.#verify(referrersStatement(signed.record), signed.signatures) ? signed : undefined;
    } catch {
      return undefined;
    }
  }
}
