import {
  decodeTagRecord,
  encodeTagRecord,
  type RepositoryName,
  type SignedTagRecord,
  type Tag,
  tagStatement,
} from '@shoal/core';
import { Lru } from '@shoal/registry';
import { judgeTag, type TagVerdict } from './monotonic.ts';

/** Where tag records are kept over restarts; store's PieceCache is one. */
export interface TagRecordStore {
  tagRecord(repository: RepositoryName, tag: Tag): Uint8Array | undefined;
  putTagRecord(repository: RepositoryName, tag: Tag, bytes: Uint8Array): void;
}

/** Records kept as they were verified: some 1 KB each, and their largest. */
const verifiedMax = 512;
const verifiedBytesMax = 4096;

/** Keys are added and never taken away: what was verified once stays so. */
export type VerifyStatement = (statement: Uint8Array, signatures: SignedTagRecord['signatures']) => boolean;

/**
 * The tags this node knows: signed by a trusted origin, about the tag that was asked for, and never older
 * than what was known before. A deleted tag leaves the version it had, so that no peer's copy brings it back.
 */
export class TagBook {
  readonly #store: TagRecordStore;
  readonly #verify: VerifyStatement;
  /** By its bytes: nearly every question is answered with the same record again. */
  readonly #verified = new Lru<string, SignedTagRecord>({ sizeMax: verifiedMax });

  constructor(o: { store: TagRecordStore; verify: VerifyStatement }) {
    this.#store = o.store;
    this.#verify = o.verify;
  }

  /** The newest record this node has. A record on disk that no longer verifies counts as none. */
  known(repository: RepositoryName, tag: Tag): SignedTagRecord | undefined {
    const bytes = this.#store.tagRecord(repository, tag);
    return bytes === undefined ? undefined : this.parse(repository, tag, bytes);
  }

  /** The record in `bytes`, or undefined when it is malformed, about another tag, or signed by nobody trusted. */
  parse(repository: RepositoryName, tag: Tag, bytes: Uint8Array): SignedTagRecord | undefined {
    const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const signed = this.#verified.get(key) ?? this.#decode(bytes, key);
    if (!signed) return undefined;
    return signed.record.repository === repository && signed.record.tag === tag ? signed : undefined;
  }

  #decode(bytes: Uint8Array, key: string): SignedTagRecord | undefined {
    let signed: SignedTagRecord;
    try {
      signed = decodeTagRecord(bytes);
    } catch {
      return undefined;
    }
    if (!this.#verify(tagStatement(signed.record), signed.signatures)) return undefined;
    if (bytes.length <= verifiedBytesMax) this.#verified.set(key, signed);
    return signed;
  }

  /** Keeps the record when it is newer. What a peer tells is also held against deletions by an origin. */
  offer(signed: SignedTagRecord, from: 'origin' | 'peer'): TagVerdict {
    const { repository, tag, version } = signed.record;
    const stored = this.#store.tagRecord(repository, tag);
    if (from === 'peer' && stored && version <= deletedVersion(stored)) return 'rollback';
    const verdict = judgeTag(this.known(repository, tag)?.record, signed.record);
    if (verdict === 'newer') this.#store.putTagRecord(repository, tag, encodeTagRecord(signed));
    return verdict;
  }

  /** An origin says that the tag does not exist. True when it was known until now. */
  forget(repository: RepositoryName, tag: Tag): boolean {
    const known = this.known(repository, tag);
    if (known) this.#store.putTagRecord(repository, tag, tombstone(known.record.version));
    return known !== undefined;
  }
}

const tombstone = (version: number): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ deletedVersion: version }));

const deletedVersion = (bytes: Uint8Array): number => {
  try {
    const { deletedVersion: version } = JSON.parse(new TextDecoder().decode(bytes)) as { deletedVersion?: unknown };
    return typeof version === 'number' ? version : -1;
  } catch {
    return -1;
  }
};
