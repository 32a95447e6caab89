import { type Digest, formatBytes, type RepositoryName } from '@shoal/core';
import { StoreFullError } from '@shoal/store';
import { KeyedLock } from '../catalog/keyed-lock.ts';
import type { Content } from '../content.ts';
import type { Reservation } from '../cold/cold-source.ts';

export interface PulledBlobsOptions {
  readonly content: Content;
  /** Whether a repository is one of an upstream. */
  readonly owns: (name: RepositoryName) => boolean;
  /** Bytes of pulled blobs at most; 0 is without limit. */
  readonly bytesMax: number;
  /** Bytes of the file system that fetches leave free. */
  readonly freeBytesMin: number;
  readonly freeBytes: () => Promise<number>;
  readonly events: { pulledEvicted(digest: Digest, bytes: number): void; pulledTrimFailed(error: unknown): void };
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

interface Pulled {
  readonly size: number;
  readonly repositories: Set<RepositoryName>;
  /** When its use was last written down. */
  touchedMs: number;
}

interface Held extends Reservation {
  readonly bytes: number;
}

/** How exactly the order of use outlives a restart. */
const touchEveryMs = 10 * 60_000;

/**
 * The blobs that came from upstream registries, the longest unused first, and the room for more of them. What was pushed
 * as well does not count and is never evicted; who reads an evicted blob reads on.
 */
export class PulledBlobs {
  readonly #o: PulledBlobsOptions;
  /** In order of use. */
  readonly #pulled = new Map<Digest, Pulled>();
  readonly #held = new Set<Held>();
  readonly #locks = new KeyedLock();
  #bytes = 0;

  constructor(options: PulledBlobsOptions) {
    this.#o = options;
  }

  /** Reads what is stored already; the use of a blob was written down as the time of its link. */
  async load(): Promise<void> {
    const { content, owns } = this.#o;
    const found: { name: RepositoryName; digest: Digest; size: number; usedMs: number }[] = [];
    for (const { name, blobs } of content.catalog.all()) {
      if (!owns(name)) continue;
      for (const digest of await blobs.list()) {
        const size = (await content.blobs.stat(digest))?.size;
        if (size !== undefined) found.push({ name, digest, size, usedMs: await blobs.usedMs(digest) });
      }
    }
    for (const { name, digest, size } of found.toSorted((a, b) => a.usedMs - b.usedMs)) this.#add(name, digest, size);
    await this.#trim();
  }

  /** Bytes of all of them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A repository holds a blob from now on. */
  linked(name: RepositoryName, digest: Digest, size: number): void {
    if (!this.#o.owns(name)) return;
    this.#add(name, digest, size);
    // One whose size nobody knew had no room made for it.
    if (this.#o.bytesMax > 0 && this.#bytes > this.#o.bytesMax) void this.#trim();
  }

  used(digest: Digest): void {
    const pulled = this.#pulled.get(digest);
    if (!pulled) return;
    this.#pulled.delete(digest);
    this.#pulled.set(digest, pulled);
    const { clock, content } = this.#o;
    if (clock() - pulled.touchedMs < touchEveryMs) return;
    pulled.touchedMs = clock();
    for (const name of pulled.repositories) void content.catalog.get(name)?.blobs.touch(digest);
  }

  dropped(digest: Digest): void {
    this.#bytes -= this.#pulled.get(digest)?.size ?? 0;
    this.#pulled.delete(digest);
  }

  /**
   * Makes room for a blob that is about to be fetched, until it is disposed. Undefined for what comes from nowhere upstream.
   * @throws StoreFullError when there is nothing left to evict
   */
  async reserve(name: RepositoryName, size = 0): Promise<Reservation | undefined> {
    if (!this.#o.owns(name)) return undefined;
    return this.#locks.run('room', async () => {
      await this.#makeRoom(size);
      const held: Held = { bytes: size, received: () => 0, [Symbol.dispose]: () => void this.#held.delete(held) };
      this.#held.add(held);
      return held;
    });
  }

  #add(name: RepositoryName, digest: Digest, size: number): void {
    const known = this.#pulled.get(digest);
    if (known) return void known.repositories.add(name);
    this.#pulled.set(digest, { size, repositories: new Set([name]), touchedMs: this.#o.clock() });
    this.#bytes += size;
  }

  #trim(): Promise<void> {
    return this.#locks
      .run('room', () => this.#makeRoom(0))
      .catch((error: unknown) => this.#o.events.pulledTrimFailed(error));
  }

  async #makeRoom(size: number): Promise<void> {
    const { bytesMax, freeBytesMin, freeBytes } = this.#o;
    if (bytesMax > 0 && size > bytesMax)
      throw new StoreFullError(
        `a blob of ${formatBytes(size)} is more than all that may be kept of other registries (${formatBytes(bytesMax)}, fetches.keptBytesMax)`,
      );
    for (;;) {
      const over = bytesMax > 0 && this.#bytes + this.#sum(({ bytes }) => bytes) + size > bytesMax;
      const promised = this.#sum(({ bytes, received }) => Math.max(0, bytes - received()));
      const short = freeBytesMin > 0 && (await freeBytes()) - promised - size < freeBytesMin;
      if (!over && !short) return;
      if (await this.#evictOne()) continue;
      if (size === 0) return;
      const why = over ? 'fetches.keptBytesMax' : 'fetches.freeBytesMin';
      throw new StoreFullError(`there is no room for ${formatBytes(size)} more of other registries (${why})`);
    }
  }

  /** The longest unused one goes, or is no longer counted because it was pushed as well. False when there is none. */
  async #evictOne(): Promise<boolean> {
    const { content, events } = this.#o;
    const [digest, pulled] = this.#pulled.entries().next().value ?? [];
    if (digest === undefined || pulled === undefined) return false;
    const { size, repositories } = pulled;
    this.dropped(digest);
    if (content.catalog.linkCount(digest) > repositories.size) return true;
    for (const name of repositories) {
      const repository = content.catalog.get(name);
      if (repository) await content.unlink(repository, 'blobs', digest);
    }
    events.pulledEvicted(digest, size);
    return true;
  }

  #sum(bytesOf: (held: Held) => number): number {
    let sum = 0;
    for (const held of this.#held) sum += bytesOf(held);
    return sum;
  }
}
