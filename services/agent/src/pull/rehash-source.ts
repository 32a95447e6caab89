import type { BlobSource, ReadableFile } from '@shoal/registry';
import type { CachedBlob } from '@shoal/store';
import { BlobReader } from './blob-reader.ts';
import type { FirstByteDeadline } from './deadline.ts';
import { ReaderSet } from './reader-set.ts';

/** How often a waiting reader looks whether its piece has been hashed. */
const lookMs = 20;

export interface RehashSourceOptions {
  readonly blob: CachedBlob;
  /** Opens the blob as what it turned out to be once all of it is hashed. */
  readonly rehashed: Promise<() => BlobSource>;
  /** Opens it past the cache. */
  readonly pastCache: () => BlobSource;
  /** How long one wait for the hashing may last before the way past the cache is tried. */
  readonly patienceMs: number;
  readonly deadline: FirstByteDeadline;
  readonly firstByte: (size: number) => void;
}

/**
 * A blob that is hashed again after an unclean stop: read piece by piece as far as the hashing has come, and past the
 * cache where that takes too long, so that a client does not wait for a hundred gigabytes to be hashed.
 */
export class RehashSource implements BlobSource {
  readonly size: number;
  readonly #o: RehashSourceOptions;
  readonly #readers: ReaderSet;
  #source: BlobSource;
  #settled = false;
  #pastCacheTried = false;

  constructor(o: RehashSourceOptions) {
    const { blob, deadline, firstByte } = o;
    this.size = blob.size;
    this.#o = o;
    // Whoever waits hears of its failure; with nobody waiting it is nobody's.
    o.rehashed.catch(() => undefined);
    this.#readers = new ReaderSet({ have: blob.have, changed: () => {} });
    this.#source = new BlobReader({ blob, readers: this.#readers, deadline, firstByte });
  }

  readInto(buffer: Uint8Array, position: number): number {
    return this.#source.readInto(buffer, position);
  }

  file(position: number, end: number): ReadableFile | undefined {
    return this.#source.file?.(position, end);
  }

  async waitFor(offset: number, signal: AbortSignal): Promise<void> {
    while (!this.#settled) {
      const outcome = await this.#hashed(offset, signal);
      if (outcome === 'readable') return;
      if (outcome !== 'late') this.#become(outcome());
      else if (await this.#passesBy(offset, signal)) return;
    }
    await this.#source.waitFor(offset, signal);
  }

  close(): void {
    this.#settled = true;
    this.#source.close();
  }

  async #hashed(offset: number, signal: AbortSignal): Promise<'readable' | 'late' | (() => BlobSource)> {
    const over = new AbortController();
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timers = [setInterval(() => this.#readers.wake(), lookMs)];
    if (!this.#pastCacheTried) timers.push(setTimeout(resolve, this.#o.patienceMs, 'late'));
    try {
      const readable = this.#source.waitFor(offset, AbortSignal.any([signal, over.signal]));
      return await Promise.race([readable.then(() => 'readable' as const), this.#o.rehashed, late]);
    } finally {
      timers.forEach(clearTimeout);
      over.abort(new Error('the wait is over'));
    }
  }

  /** False when nobody delivers it past the cache: then only the hashing can help. */
  async #passesBy(offset: number, signal: AbortSignal): Promise<boolean> {
    this.#pastCacheTried = true;
    let past: BlobSource | undefined;
    try {
      past = this.#o.pastCache();
      await past.waitFor(offset, signal);
      this.#become(past);
      return true;
    } catch {
      past?.close();
      signal.throwIfAborted();
      return false;
    }
  }

  #become(source: BlobSource): void {
    if (this.#settled) return source.close();
    this.#settled = true;
    this.#source.close();
    this.#source = source;
  }
}
