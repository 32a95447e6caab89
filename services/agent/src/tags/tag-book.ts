import {
  decodeTagRecord,
  encodeTagRecord,
  type RepositoryName,
  type SignedTagRecord,
  type Tag,
  tagStatement,
} from '@shoal/core';
import { judgeTag, type TagVerdict } from './monotonic.ts';

/** Where signed tag records are kept over restarts. Bytes are those of encodeTagRecord. */
export interface TagRecordStore {
  get(repository: RepositoryName, tag: Tag): Promise<Uint8Array | undefined>;
  put(repository: RepositoryName, tag: Tag, bytes: Uint8Array): Promise<void>;
  remove(repository: RepositoryName, tag: Tag): Promise<void>;
}

export type VerifyStatement = (statement: Uint8Array, signatures: SignedTagRecord['signatures']) => boolean;

/** Deletions remembered in memory, so that a peer's copy of a deleted tag is not believed. */
const deletionsMax = 10_000;

/**
 * The tags this node knows: signed by a trusted origin, about the tag that was asked for, and never older
 * than what was known before.
 */
export class TagBook {
  readonly #store: TagRecordStore;
  readonly #verify: VerifyStatement;
  readonly #deletedVersions = new Map<string, number>();

  constructor(o: { store: TagRecordStore; verify: VerifyStatement }) {
    this.#store = o.store;
    this.#verify = o.verify;
  }

  /** The newest record this node has. A record on disk that no longer verifies counts as none. */
  async known(repository: RepositoryName, tag: Tag): Promise<SignedTagRecord | undefined> {
    const bytes = await this.#store.get(repository, tag);
    return bytes === undefined ? undefined : this.parse(repository, tag, bytes);
  }

  /** The record in `bytes`, or undefined when it is malformed, about another tag, or signed by nobody trusted. */
  parse(repository: RepositoryName, tag: Tag, bytes: Uint8Array): SignedTagRecord | undefined {
    let signed: SignedTagRecord;
    try {
      signed = decodeTagRecord(bytes);
    } catch {
      return undefined;
    }
    if (signed.record.repository !== repository || signed.record.tag !== tag) return undefined;
    return this.#verify(tagStatement(signed.record), signed.signatures) ? signed : undefined;
  }

  /** Keeps the record when it is newer. What a peer tells is also held against deletions by an origin. */
  async offer(signed: SignedTagRecord, from: 'origin' | 'peer'): Promise<TagVerdict> {
    const { repository, tag, version } = signed.record;
    if (from === 'peer' && version <= (this.#deletedVersions.get(keyOf(repository, tag)) ?? -1)) return 'rollback';
    const verdict = judgeTag((await this.known(repository, tag))?.record, signed.record);
    if (verdict === 'newer') await this.#store.put(repository, tag, encodeTagRecord(signed));
    return verdict;
  }

  /** An origin says that the tag does not exist: the version known until now is not to come back from peers. */
  async forget(repository: RepositoryName, tag: Tag): Promise<boolean> {
    const known = await this.known(repository, tag);
    if (!known) return false;
    const key = keyOf(repository, tag);
    this.#deletedVersions.delete(key);
    this.#deletedVersions.set(key, known.record.version);
    const oldest = this.#deletedVersions.size > deletionsMax ? this.#deletedVersions.keys().next().value : undefined;
    if (oldest !== undefined) this.#deletedVersions.delete(oldest);
    await this.#store.remove(repository, tag);
    return true;
  }
}

const keyOf = (repository: RepositoryName, tag: Tag): string => `${repository}:${tag}`;
