import type { BlobSource, ReadableFile } from '@shoal/registry';
import { StoreFullError } from '@shoal/store';

/** Reads from the cache until the disk is full, then goes on past it: the client sees one body. */
export class PastCacheSource implements BlobSource {
  readonly size: number;
  readonly #pastCache: () => BlobSource;
  #source: BlobSource;
  #past = false;

  constructor(source: BlobSource, pastCache: () => BlobSource) {
    this.size = source.size;
    this.#source = source;
    this.#pastCache = pastCache;
  }

  readInto(buffer: Uint8Array, position: number): number {
    return this.#source.readInto(buffer, position);
  }

  file(position: number, end: number): ReadableFile | undefined {
    return this.#source.file?.(position, end);
  }

  async waitFor(offset: number, signal: AbortSignal): Promise<void> {
    try {
      return await this.#source.waitFor(offset, signal);
    } catch (error) {
      if (this.#past || !(error instanceof StoreFullError)) throw error;
      const next = this.#pastCache();
      this.#source.close();
      this.#source = next;
      this.#past = true;
      return next.waitFor(offset, signal);
    }
  }

  close(): void {
    this.#source.close();
  }
}
