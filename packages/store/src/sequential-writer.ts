import { KiB, MiB } from '@shoal/core';
import type { FileHandle } from 'node:fs/promises';

const bufferLength = 512 * KiB;

/** Data goes to the medium while more arrives, so that the fsync at the end does not have it all before it. */
const syncEvery = 64 * MiB;

/**
 * Appends small chunks as large writes, in order. While one buffer is being written the other one fills; when both
 * are taken `write` waits. So memory is bounded by two buffers and the caller's hashing overlaps the disk.
 */
export class SequentialWriter {
  readonly #handle: FileHandle;
  #filling: Uint8Array | undefined;
  #spare: Uint8Array | undefined;
  #filled = 0;
  #position: number;
  #sinceSync = 0;
  #writing: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;

  constructor(handle: FileHandle, position: number) {
    this.#handle = handle;
    this.#position = position;
  }

  /** The chunk is copied: it may be reused when this resolves. @throws the error of an earlier write */
  async write(chunk: Uint8Array): Promise<void> {
    for (let from = 0; from < chunk.length;) {
      this.#filling ??= Buffer.allocUnsafeSlow(bufferLength);
      const part = chunk.subarray(from, from + bufferLength - this.#filled);
      this.#filling.set(part, this.#filled);
      this.#filled += part.length;
      from += part.length;
      if (this.#filled === bufferLength) await this.#flush();
    }
  }

  /** When every byte has been handed to the file system and no operation is under way. */
  async end(): Promise<void> {
    try {
      await this.#flush();
      await this.#writing;
    } finally {
      await this.#syncing;
    }
  }

  async #flush(): Promise<void> {
    await this.#writing;
    const buffer = this.#filling;
    if (!buffer || this.#filled === 0) return;
    this.#writing = this.#writeAll(buffer.subarray(0, this.#filled), this.#position);
    // The error reaches the caller at the next flush or at the end; until then it is not unhandled.
    this.#writing.catch(() => undefined);
    this.#position += this.#filled;
    this.#filled = 0;
    this.#filling = this.#spare;
    this.#spare = buffer;
  }

  async #writeAll(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await this.#handle.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
    this.#sinceSync += bytes.length;
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
