import {
  type Digest,
  digestAlgorithm,
  type Metainfo,
  OciError,
  type PieceLengthPolicy,
  type RepositoryName,
  type SignedMetainfo,
} from '@shoal/core';
import { open, rm } from 'node:fs/promises';
import { fromDiskError } from './errors.ts';
import { SequentialWriter } from './sequential-writer.ts';
import { hashContent, readThrough } from './stored-metainfo.ts';
import { TreeHasher } from './tree-hasher.ts';
import { dataFile } from './upload-paths.ts';
import type { AppendOptions, Upload } from './upload.ts';

export interface DiskUploadOptions {
  readonly id: string;
  readonly folder: string;
  readonly repository: RepositoryName;
  readonly size: number;
  readonly lastUsedMs: number;
  readonly policy: PieceLengthPolicy;
  readonly clock: () => number;
  readonly place: (file: string, metainfo: Metainfo) => Promise<SignedMetainfo>;
  /** The upload exists no longer. */
  readonly ended: () => void;
}

/** An upload whose bytes are in a file; the hashes of what is in it run along in memory. */
export class DiskUpload implements Upload {
  readonly id: string;
  readonly repository: RepositoryName;
  readonly #options: DiskUploadOptions;
  readonly #file: string;
  /** Absent after a restart, until the bytes on disk have been read. */
  #hasher: TreeHasher | undefined;
  #size: number;
  #lastUsedMs: number;
  #ended = false;
  #running: Promise<unknown> | undefined;
  #committing = false;

  constructor(options: DiskUploadOptions) {
    this.id = options.id;
    this.repository = options.repository;
    this.#options = options;
    this.#file = dataFile(options.folder);
    this.#size = options.size;
    this.#lastUsedMs = options.lastUsedMs;
    if (options.size === 0) this.#hasher = new TreeHasher();
  }

  /** Committed, cancelled or failed: every method throws. */
  get ended(): boolean {
    return this.#ended;
  }

  get size(): number {
    return this.#size;
  }

  get busy(): boolean {
    return this.#running !== undefined;
  }

  get lastUsedMs(): number {
    return this.#lastUsedMs;
  }

  append(chunks: AsyncIterable<Uint8Array>, options: AppendOptions = {}): Promise<void> {
    return this.#exclusively(async () => {
      const { offset = this.#size, bytesMax = Infinity } = options;
      if (offset !== this.#size) {
        throw new OciError(
          'BLOB_UPLOAD_INVALID',
          `offset: ${offset} is not where the upload continues; it has ${this.#size} bytes`,
          {
            status: 416,
          },
        );
      }
      const hasher = await this.#hashedSoFar();
      this.#checkExists();
      await using handle = await open(this.#file, 'r+');
      const writer = new SequentialWriter(handle, this.#size);
      const failure = await this.#take(chunks, bytesMax, hasher, writer).then(
        () => undefined,
        (error: unknown) => ({ error }),
      );
      try {
        await writer.end();
        this.#lastUsedMs = this.#options.clock();
        await handle.utimes(this.#lastUsedMs / 1000, this.#lastUsedMs / 1000);
      } catch (error) {
        // The hashes are ahead of the file, and a full disk needs the space back.
        await this.#discard();
        throw fromDiskError(error, `upload ${this.id}`);
      }
      if (failure) throw failure.error;
    });
  }

  commit(digest: Digest): Promise<SignedMetainfo> {
    return this.#exclusively(async () => {
      this.#committing = true;
      try {
        return await this.#options.place(this.#file, await this.#metainfoOf(digest));
      } catch (error) {
        throw fromDiskError(error, `committing ${digest}`);
      } finally {
        await this.#discard();
      }
    });
  }

  async cancel(): Promise<void> {
    // A commit that is on its way is not torn apart; when it has ended there is nothing left to discard.
    if (this.#committing) await this.#running?.catch(() => undefined);
    await this.#discard();
  }

  async #take(
    chunks: AsyncIterable<Uint8Array>,
    bytesMax: number,
    hasher: TreeHasher,
    writer: SequentialWriter,
  ): Promise<void> {
    let room = bytesMax;
    for await (const chunk of chunks) {
      this.#checkExists();
      const part = chunk.length > room ? chunk.subarray(0, room) : chunk;
      // The kernel takes the bytes while they are hashed.
      const written = writer.write(part);
      hasher.update(part);
      this.#size += part.length;
      room -= part.length;
      await written;
      if (part !== chunk) {
        throw new OciError('SIZE_INVALID', `size: more than the ${bytesMax} bytes allowed here`, { status: 413 });
      }
    }
    this.#checkExists();
  }

  async #metainfoOf(digest: Digest): Promise<Metainfo> {
    const { digest: actual, metainfo } = (await this.#hashedSoFar()).finish(this.#options.policy);
    if (actual === digest) return metainfo;
    const bySha512 =
      digestAlgorithm(digest) === 'sha512' ? await hashContent(this.#file, digest, this.#options.policy) : undefined;
    if (bySha512) return bySha512;
    throw new OciError('DIGEST_INVALID', `digest: the ${this.#size} bytes received have not the digest ${digest}`, {
      detail: { expected: digest, sha256: actual },
    });
  }

  async #hashedSoFar(): Promise<TreeHasher> {
    if (this.#hasher) return this.#hasher;
    const hasher = new TreeHasher();
    await readThrough(this.#file, (bytes) => hasher.update(bytes));
    this.#size = hasher.size;
    this.#hasher = hasher;
    return hasher;
  }

  async #exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#checkExists();
    if (this.#running) {
      throw new OciError('BLOB_UPLOAD_INVALID', `upload: ${this.id} is being written to by another request`, {
        status: 409,
      });
    }
    try {
      const running = work();
      this.#running = running;
      return await running;
    } finally {
      this.#running = undefined;
    }
  }

  #checkExists(): void {
    if (this.#ended) throw new OciError('BLOB_UPLOAD_UNKNOWN', `upload: ${this.id} does not exist`);
  }

  async #discard(): Promise<void> {
    this.#ended = true;
    await rm(this.#options.folder, { recursive: true, force: true });
    this.#options.ended();
  }
}
