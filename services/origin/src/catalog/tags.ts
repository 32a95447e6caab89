import { join } from 'node:path';
import {
  decodeTagRecord,
  type Digest,
  encodeTagRecord,
  type RepositoryName,
  type Signature,
  type SignedTagRecord,
  type Tag,
  type TagRecord,
  tagStatement,
} from '@shoal/core';
import { listRecords, recordSuffix } from './folders.ts';
import type { RecordFiles } from './record-files.ts';

export interface TagSigner {
  sign(statement: Uint8Array): Signature;
}

const writesMax = 16;

/** The tags of one repository: a signed record a tag, in the form agents get it. Writers are serialized by the caller. */
export class Tags {
  readonly #repository: RepositoryName;
  readonly #folder: string;
  readonly #signer: TagSigner;
  readonly #clock: () => number;
  readonly #files: RecordFiles;

  constructor(
    repository: RepositoryName,
    folder: string,
    { signer, clock, files }: { signer: TagSigner; clock: () => number; files: RecordFiles },
  ) {
    this.#repository = repository;
    this.#folder = folder;
    this.#signer = signer;
    this.#clock = clock;
    this.#files = files;
  }

  /** The encoded record. */
  bytes(tag: Tag): Promise<Uint8Array | undefined> {
    return this.#files.read(this.#file(tag));
  }

  async get(tag: Tag): Promise<SignedTagRecord | undefined> {
    const bytes = await this.bytes(tag);
    return bytes && decodeTagRecord(bytes);
  }

  /**
   * Points the tag at a manifest. The version is the time in milliseconds, or one more than the last version: it
   * rises with every push, also over a delete of the tag, of which nothing is kept.
   */
  async put(tag: Tag, manifest: Pick<TagRecord, 'digest' | 'mediaType' | 'size'>): Promise<void> {
    const timeMs = this.#clock();
    const before = (await this.get(tag))?.record.version ?? 0;
    const record: TagRecord = {
      ...manifest,
      repository: this.#repository,
      tag,
      version: Math.max(timeMs, before + 1),
      timeMs,
    };
    await this.#files.write(
      this.#file(tag),
      encodeTagRecord({ record, signatures: [this.#signer.sign(tagStatement(record))] }),
    );
  }

  /** As `put`, for many tags; some at the same moment, because each waits for the disk. */
  async putAll(tags: readonly Tag[], manifest: Pick<TagRecord, 'digest' | 'mediaType' | 'size'>): Promise<void> {
    for (let from = 0; from < tags.length; from += writesMax) {
      await Promise.all(tags.slice(from, from + writesMax).map((tag) => this.put(tag, manifest)));
    }
  }

  /** Keeps a record that another origin has signed. */
  keep(signed: SignedTagRecord): Promise<void> {
    return this.#files.write(this.#file(signed.record.tag), encodeTagRecord(signed));
  }

  delete(tag: Tag): Promise<boolean> {
    return this.#files.remove(this.#file(tag));
  }

  /** Removes the tags that point at a manifest. */
  async deleteOf(digest: Digest): Promise<void> {
    for (const tag of await this.list()) {
      if ((await this.get(tag))?.record.digest === digest) await this.delete(tag);
    }
  }

  /** In lexical order. */
  async list(): Promise<Tag[]> {
    return (await listRecords(this.#folder)).toSorted() as Tag[];
  }

  #file(tag: Tag): string {
    return join(this.#folder, `${tag}${recordSuffix}`);
  }
}
