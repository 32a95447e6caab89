import { MiB } from '@shoal/core';
import type { FileHandle } from 'node:fs/promises';

/** Data goes to the medium while more arrives, so that the fsync at the end does not have it all before it. */
const syncEvery = 64 * MiB;

/** Writes chunks one after the other; large ones, as each is a call of its own. */
export class SequentialWriter {
  readonly #handle: FileHandle;
  #position: number;
  #sinceSync = 0;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;

  constructor(handle: FileHandle, position: number) {
    this.#handle = handle;
    this.#position = position;
  }

  /** One at a time. When it resolves the file system has the bytes, and the chunk may be reused. */
  write(chunk: Uint8Array): Promise<void> {
    this.#writing = this.#writeAll(chunk);
    return this.#writing;
  }

  /** When no operation is under way. @throws the error of the last write, or of a sync */
  async end(): Promise<void> {
    try {
      await this.#writing;
    } finally {
      await this.#syncing;
    }
  }

  async #writeAll(chunk: Uint8Array): Promise<void> {
    for (let done = 0; done < chunk.length;) {
      const { bytesWritten } = await this.#handle.write(chunk, done, chunk.length - done, this.#position);
      this.#position += bytesWritten;
      done += bytesWritten;
    }
    this.#sinceSync += chunk.length;
    if (this.#sinceSync >= syncEvery && !this.#syncing) this.#startSync();
  }

  #startSync(): void {
    this.#sinceSync = 0;
    const syncing = this.#handle.datasync();
    this.#syncing = syncing;
    // A success makes room for the next one; a failure stays for end() to throw.
    syncing.then(
      () => (this.#syncing = undefined),
      () => undefined,
    );
  }
}
