import type { BlobSource, ReadableFile } from '@shoal/registry';
import type { GrowingBlob } from '@shoal/store';
import type { ColdBlob } from './cold-blob.ts';

/** A cold blob for one HTTP reply: as far as it has come, without the last piece until the digest is verified. */
export class GrowingSource implements BlobSource {
  readonly size: number;
  readonly #cold: ColdBlob;
  readonly #blob: GrowingBlob;
  readonly #held: Disposable;

  constructor(cold: ColdBlob, blob: GrowingBlob, size: number) {
    this.size = size;
    this.#cold = cold;
    this.#blob = blob;
    this.#held = blob.retain();
  }

  readInto(buffer: Uint8Array, position: number): number {
    const length = Math.min(buffer.length, this.#cold.readable - position);
    return length <= 0 ? 0 : this.#blob.readInto(buffer.subarray(0, length), position);
  }

  file(position: number, end: number): ReadableFile | undefined {
    const readableEnd = Math.min(end, this.#cold.readable);
    return readableEnd <= position ? undefined : { fd: this.#blob.fd, end: readableEnd };
  }

  async waitFor(offset: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      try {
        signal.throwIfAborted();
        if (this.#cold.readable > offset) resolve();
      } catch (error) {
        reject(error as Error);
      }
    };
    using _watch = this.#cold.watch(look);
    signal.addEventListener('abort', look, { once: true });
    look();
    await promise.finally(() => signal.removeEventListener('abort', look));
  }

  close(): void {
    this.#held[Symbol.dispose]();
  }
}
