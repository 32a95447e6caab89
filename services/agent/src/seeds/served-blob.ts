import type { Bitfield, Metainfo } from '@shoal/core';
import type { SeedBlob } from '@shoal/exchange';
import type { CachedBlob } from '@shoal/store';

/** How long after its last read a blob counts as being served. */
const servingMs = 5_000;

/** A cached blob as peers read it: pinned while it is being served, with its file closed while it is not. */
export class ServedBlob implements SeedBlob {
  readonly blob: CachedBlob;
  readonly metainfo: Metainfo;
  readonly have: Bitfield;
  readonly #used: () => void;
  #retained: Disposable | undefined;
  #timer: NodeJS.Timeout | undefined;
  #readAgain = false;

  constructor(blob: CachedBlob, used: () => void) {
    this.blob = blob;
    this.metainfo = blob.signed.metainfo;
    this.have = blob.have;
    this.#used = used;
  }

  readInto(buffer: Uint8Array, position: number): number {
    this.#isRead();
    return this.blob.readInto(buffer, position);
  }

  get fd(): number {
    this.#isRead();
    return this.blob.fd;
  }

  /** Lets go of the file at once. */
  close(): void {
    clearTimeout(this.#timer);
    this.#retained?.[Symbol.dispose]();
    this.#retained = undefined;
  }

  #isRead(): void {
    this.#readAgain = true;
    if (this.#retained) return;
    this.#retained = this.blob.retain();
    this.#used();
    this.#watch();
  }

  #watch(): void {
    this.#readAgain = false;
    this.#timer = setTimeout(() => (this.#readAgain ? this.#watch() : this.close()), servingMs);
    this.#timer.unref();
  }
}
