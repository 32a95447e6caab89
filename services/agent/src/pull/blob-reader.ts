import type { BlobSource, ReadableFile } from '@shoal/registry';
import type { CachedBlob } from '@shoal/store';
import type { FirstByteDeadline } from './deadline.ts';
import type { ReaderSet } from './reader-set.ts';

export interface BlobReaderOptions {
  readonly blob: CachedBlob;
  readonly readers: ReaderSet;
  readonly deadline: FirstByteDeadline;
  /** Called once, when the first bytes are read, with the size of the blob. */
  readonly firstByte: (size: number) => void;
  /** The file does not give back what was written to it. */
  readonly broken?: () => void;
}

/** One client's view of a blob in the cache, whole or on its way. Pins the blob until it is closed. */
export class BlobReader implements BlobSource {
  readonly size: number;
  readonly #o: BlobReaderOptions;
  readonly #retained: Disposable;
  #begun = false;

  constructor(o: BlobReaderOptions) {
    this.size = o.blob.size;
    this.#o = o;
    this.#retained = o.blob.retain();
    o.readers.enter();
  }

  readInto(buffer: Uint8Array, position: number): number {
    const end = this.#readableEnd(position, Math.min(this.size, position + buffer.length));
    if (end === position) return 0;
    const read = this.#read(buffer.subarray(0, end - position), position);
    if (!this.#begun) this.#begin();
    return read;
  }

  file(position: number, end: number): ReadableFile | undefined {
    const readableEnd = this.#readableEnd(position, Math.min(this.size, end));
    return readableEnd === position ? undefined : { fd: this.#o.blob.fd, end: readableEnd };
  }

  waitFor(offset: number, signal: AbortSignal): Promise<void> {
    const { blob, readers, deadline } = this.#o;
    const piece = Math.floor(offset / blob.pieceLength);
    if (this.#begun) return readers.wait(piece, true, signal);
    return readers.wait(piece, false, AbortSignal.any([signal, deadline.signal]));
  }

  close(): void {
    this.#o.deadline.met();
    this.#o.readers.left();
    this.#retained[Symbol.dispose]();
  }

  #read(buffer: Uint8Array, position: number): number {
    const { blob, broken } = this.#o;
    try {
      const read = blob.readInto(buffer, position);
      // A file that was cut short behind our back would be asked again and again.
      if (read === 0) throw new Error(`${blob.digest}: the cached file ends at byte ${position} of ${this.size}`);
      return read;
    } catch (error) {
      broken?.();
      throw error;
    }
  }

  #begin(): void {
    this.#begun = true;
    this.#o.deadline.met();
    this.#o.firstByte(this.size);
  }

  /** Where verified bytes end, counted from `position` and not beyond `limit`. */
  #readableEnd(position: number, limit: number): number {
    const { blob, readers } = this.#o;
    let end = position;
    for (let piece = Math.floor(position / blob.pieceLength); end < limit && readers.readable(piece); piece++) {
      end = Math.min(limit, (piece + 1) * blob.pieceLength);
    }
    return end;
  }
}
