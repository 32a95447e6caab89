import {
  type Metainfo,
  OciError,
  parseRepositoryName,
  type PieceLengthPolicy,
  type RepositoryName,
  type SignedMetainfo,
} from '@shoal/core';
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DiskUpload } from './disk-upload.ts';
import { errorCode, fromDiskError } from './errors.ts';
import { dataFile, recordFile } from './upload-paths.ts';
import type { Upload, UploadStore } from './upload.ts';

export interface UploadFolderOptions {
  readonly folder: string;
  readonly policy: PieceLengthPolicy;
  readonly clock: () => number;
  readonly uploadsMax: number;
  /** Uploads found at start. */
  readonly count: number;
  /** Moves a file of verified bytes to its place among the blobs, durably. */
  readonly place: (file: string, metainfo: Metainfo) => Promise<SignedMetainfo>;
}

/** One folder an upload; what this process has touched is also in memory, with its running hashes. */
export class UploadFolder implements UploadStore {
  readonly #options: UploadFolderOptions;
  /** At most uploadsMax entries: an upload has to exist on disk to get here. */
  readonly #loaded = new Map<string, DiskUpload>();
  readonly #finding = new Map<string, Promise<DiskUpload | undefined>>();
  #count: number;

  constructor(options: UploadFolderOptions) {
    this.#options = options;
    this.#count = options.count;
  }

  get count(): number {
    return this.#count;
  }

  async create(repository: RepositoryName): Promise<Upload> {
    if (this.#count >= this.#options.uploadsMax) {
      throw new OciError('TOOMANYREQUESTS', `uploads: ${this.#count} are unfinished, which is the most allowed`);
    }
    this.#count++;
    const id = randomUUID();
    const folder = join(this.#options.folder, id);
    const nowMs = this.#options.clock();
    try {
      await mkdir(folder);
      await writeFile(dataFile(folder), '');
      await utimes(dataFile(folder), nowMs / 1000, nowMs / 1000);
      await writeFile(recordFile(folder), JSON.stringify({ version: 1, repository }));
    } catch (error) {
      this.#count--;
      await rm(folder, { recursive: true, force: true });
      throw fromDiskError(error, 'upload');
    }
    return this.#add(id, { repository, size: 0, lastUsedMs: nowMs });
  }

  async get(id: string, repository: RepositoryName): Promise<Upload | undefined> {
    const upload = await this.#find(id);
    return upload?.repository === repository && !upload.ended ? upload : undefined;
  }

  async expire(olderThanMs: number): Promise<number> {
    let expired = 0;
    for (const id of await readdir(this.#options.folder)) {
      const upload = await this.#find(id);
      if (!upload || upload.busy || upload.lastUsedMs > this.#options.clock() - olderThanMs) continue;
      await upload.cancel();
      expired++;
    }
    return expired;
  }

  async #find(id: string): Promise<DiskUpload | undefined> {
    if (!idPattern.test(id)) return undefined;
    const loaded = this.#loaded.get(id);
    if (loaded) return loaded;
    // One reader an id: a second one could bring back an upload that has ended meanwhile.
    const finding =
      this.#finding.get(id) ??
      readUpload(join(this.#options.folder, id))
        .then((found) => found && (this.#loaded.get(id) ?? this.#add(id, found)))
        .finally(() => this.#finding.delete(id));
    this.#finding.set(id, finding);
    return finding;
  }

  #add(id: string, found: FoundUpload): DiskUpload {
    const { folder, policy, clock, place } = this.#options;
    const upload = new DiskUpload({
      id,
      folder: join(folder, id),
      ...found,
      policy,
      clock,
      place,
      ended: () => this.#ended(id),
    });
    this.#loaded.set(id, upload);
    return upload;
  }

  #ended(id: string): void {
    if (this.#loaded.delete(id)) this.#count--;
  }
}

interface FoundUpload {
  readonly repository: RepositoryName;
  readonly size: number;
  readonly lastUsedMs: number;
}

const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whether a folder holds an upload that can go on. */
export const isUploadFolder = async (folder: string): Promise<boolean> => (await readUpload(folder)) !== undefined;

const readUpload = async (folder: string): Promise<FoundUpload | undefined> => {
  try {
    const record = JSON.parse(await readFile(recordFile(folder), 'utf8')) as { repository?: unknown } | null;
    const { size, mtimeMs } = await stat(dataFile(folder));
    return { repository: parseRepositoryName(String(record?.repository)), size, lastUsedMs: mtimeMs };
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof OciError) return undefined;
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
};
