import { Lru } from '@shoal/registry';
import { readRecord, removeRecord, writeRecord } from './folders.ts';

/**
 * Small files that only this process writes, with the contents of those that are read most in memory. Who reads after a
 * write has ended gets what was written: a read that a write overlaps leaves nothing behind.
 */
export class RecordFiles {
  readonly #remembered: Lru<string, Uint8Array>;
  /** Begun and ended ones. */
  #writes = 0;

  constructor(o: { rememberedMax: number }) {
    this.#remembered = new Lru({ sizeMax: o.rememberedMax });
  }

  /** Undefined when there is none. */
  async read(file: string): Promise<Uint8Array | undefined> {
    const remembered = this.#remembered.get(file);
    if (remembered) return remembered;
    const writesBefore = this.#writes;
    const bytes = await readRecord(file);
    if (bytes && this.#writes === writesBefore) this.#remembered.set(file, bytes);
    return bytes;
  }

  /** Durable when it resolves. @throws StoreFullError */
  write(file: string, bytes: Uint8Array): Promise<void> {
    return this.#change(file, () => writeRecord(file, bytes));
  }

  /** Durable when it resolves. False when there was none. */
  remove(file: string): Promise<boolean> {
    return this.#change(file, () => removeRecord(file));
  }

  async #change<T>(file: string, change: () => Promise<T>): Promise<T> {
    this.#forget(file);
    try {
      return await change();
    } finally {
      this.#forget(file);
    }
  }

  #forget(file: string): void {
    this.#writes++;
    this.#remembered.delete(file);
  }
}
