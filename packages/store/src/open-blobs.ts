import type { Digest, SignedMetainfo } from '@shoal/core';
import { closeSync, openSync, readSync } from 'node:fs';
import { errorCode } from './errors.ts';
import type { StoredBlob } from './stored-blob.ts';

interface OpenFile {
  fd: number;
  readonly signed: SignedMetainfo;
  users: number;
}

/** One descriptor for all who read a blob at the same time. Bounded by the number of its users. */
export class OpenBlobs {
  readonly #files = new Map<Digest, OpenFile>();

  /** Undefined when the file is gone. */
  acquire(digest: Digest, path: string, signed: SignedMetainfo): StoredBlob | undefined {
    let file = this.#files.get(digest);
    if (!file) {
      const fd = openIfPresent(path);
      if (fd === undefined) return undefined;
      file = { fd, signed, users: 0 };
      this.#files.set(digest, file);
    }
    file.users++;
    return new OpenBlob(digest, file, () => this.#release(digest, file));
  }

  /** The name stands for another file with the same verified bytes: who reads goes on in that one. */
  replaced(digest: Digest, path: string): void {
    const file = this.#files.get(digest);
    const fd = file && openIfPresent(path);
    if (!file || fd === undefined) return;
    closeSync(file.fd);
    file.fd = fd;
  }

  /** The name is gone: those who read go on, the next acquire looks again. */
  forget(digest: Digest): void {
    this.#files.delete(digest);
  }

  #release(digest: Digest, file: OpenFile): void {
    if (--file.users > 0) return;
    if (this.#files.get(digest) === file) this.#files.delete(digest);
    closeSync(file.fd);
  }
}

class OpenBlob implements StoredBlob {
  readonly digest: Digest;
  readonly #file: OpenFile;
  readonly #release: () => void;
  #closed = false;

  constructor(digest: Digest, file: OpenFile, release: () => void) {
    this.digest = digest;
    this.#file = file;
    this.#release = release;
  }

  get size(): number {
    return this.#file.signed.metainfo.size;
  }

  get metainfo(): SignedMetainfo {
    return this.#file.signed;
  }

  get fd(): number {
    if (this.#closed) throw new Error(`${this.digest} is closed`);
    return this.#file.fd;
  }

  readInto(buffer: Uint8Array, position: number): number {
    return readFully(this.fd, buffer, position);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** pread until the buffer is full or the file ends; answers the bytes read. */
export const readFully = (fd: number, buffer: Uint8Array, position: number): number => {
  let total = 0;
  while (total < buffer.length) {
    const read = readSync(fd, buffer, total, buffer.length - total, position + total);
    if (read === 0) break;
    total += read;
  }
  return total;
};

const openIfPresent = (path: string): number | undefined => {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
};
