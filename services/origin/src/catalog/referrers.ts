import { join } from 'node:path';
import type { Digest } from '@shoal/core';
import { listRecords, makeFolder, readRecord, recordSuffix, removeRecord, writeRecord } from './folders.ts';
import { digestFileName } from './links.ts';

/** An entry of the referrers list. Source: OCI Distribution Specification v1.1, "Listing Referrers". */
export interface ReferrerDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Which manifests of a repository name another one, present or not, as their subject. A folder a subject. */
export class Referrers {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(subject: Digest, descriptor: ReferrerDescriptor): Promise<void> {
    await makeFolder(this.#folder, this.#subjectFolder(subject));
    await writeRecord(this.#file(subject, descriptor.digest), Buffer.from(JSON.stringify(descriptor)));
  }

  delete(subject: Digest, referrer: Digest): Promise<boolean> {
    return removeRecord(this.#file(subject, referrer));
  }

  /** In the order of their digests, so that the answer is stable. */
  async list(subject: Digest): Promise<ReferrerDescriptor[]> {
    const folder = this.#subjectFolder(subject);
    const names = (await listRecords(folder)).toSorted();
    const records = await Promise.all(names.map((name) => readRecord(join(folder, `${name}${recordSuffix}`))));
    return records
      .filter((bytes) => bytes !== undefined)
      .map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as ReferrerDescriptor);
  }

  #subjectFolder(subject: Digest): string {
    return join(this.#folder, digestFileName(subject));
  }

  #file(subject: Digest, referrer: Digest): string {
    return join(this.#subjectFolder(subject), `${digestFileName(referrer)}${recordSuffix}`);
  }
}
