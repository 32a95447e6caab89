import { open } from 'node:fs/promises';
import type { SparseBlob } from './sparse-blob.ts';

/** How far the bitmaps on disk may be behind. */
const flushIntervalMs = 1000;
const syncsAtOnce = 8;

/** Writes changed bitmaps together, a moment later: a blob that gets 100 pieces a second is written once a second. */
export class BitmapFlusher {
  readonly #changed = new Set<SparseBlob>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  changed(blob: SparseBlob): void {
    this.#changed.add(blob);
    if (this.#stopped || this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, flushIntervalMs).unref();
  }

  /** A full disk only leaves the bitmap further behind; the next change tries again. Answers whether all were written. */
  #flush(): boolean {
    for (const blob of this.#changed) {
      try {
        blob.flush();
        this.#changed.delete(blob);
      } catch {
        continue;
      }
    }
    return this.#changed.size === 0;
  }

  /**
   * Everything of these blobs onto the medium: content, bitmap, order of use. False when something could not be
   * written, so that the bitmaps are not to be trusted.
   */
  async stop(blobs: Iterable<SparseBlob>): Promise<boolean> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const unsynced: SparseBlob[] = [];
    for (const blob of blobs) {
      if (blob.isBehind) this.#changed.add(blob);
      if (blob.unsynced) unsynced.push(blob);
    }
    const workers = Array.from({ length: syncsAtOnce }, async () => {
      for (let blob = unsynced.pop(); blob; blob = unsynced.pop()) await syncContent(blob);
    });
    const synced = await Promise.allSettled(workers);
    return this.#flush() && synced.every(({ status }) => status === 'fulfilled');
  }
}

const syncContent = async (blob: SparseBlob): Promise<void> => {
  if (blob.removed) return;
  await using handle = await open(blob.files.content, 'r+');
  await handle.datasync();
  blob.unsynced = false;
};
