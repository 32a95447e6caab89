import { access, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { type Digest, digestAlgorithm, digestHex, isDigest } from '@shoal/core';
import { listRecords, readRecord, recordSuffix, removeRecord, writeRecord } from './folders.ts';

/**
 * Digests that belong to one repository, a file each: the content itself is stored once for all repositories.
 * The file's bytes are whatever its kind of link needs to remember.
 */
export class Links {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async has(digest: Digest): Promise<boolean> {
    return access(this.#file(digest)).then(
      () => true,
      () => false,
    );
  }

  get(digest: Digest): Promise<Uint8Array | undefined> {
    return readRecord(this.#file(digest));
  }

  put(digest: Digest, bytes: Uint8Array): Promise<void> {
    return writeRecord(this.#file(digest), bytes);
  }

  /** False when there was none. */
  delete(digest: Digest): Promise<boolean> {
    return removeRecord(this.#file(digest));
  }

  /** When the link was written or last touched, in milliseconds since the epoch; 0 when there is none. */
  async usedMs(digest: Digest): Promise<number> {
    return stat(this.#file(digest)).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
  }

  /** Writes down that the content is used. False for a link that is gone: it is used no more. Never rejects. */
  async touch(digest: Digest): Promise<boolean> {
    const now = new Date();
    return utimes(this.#file(digest), now, now).then(
      () => true,
      () => false,
    );
  }

  async list(): Promise<Digest[]> {
    const names = await listRecords(this.#folder);
    return names.map((name) => name.replace('-', ':')).filter(isDigest);
  }

  #file(digest: Digest): string {
    return join(this.#folder, `${digestFileName(digest)}${recordSuffix}`);
  }
}

export const digestFileName = (digest: Digest): string => `${digestAlgorithm(digest)}-${digestHex(digest)}`;
