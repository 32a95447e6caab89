import { type Digest, type SwarmId, swarmIdOf } from '@shoal/core';
import type { Exchange, Seeding } from '@shoal/exchange';
import { type CachedBlob, sha256 } from '@shoal/store';
import type { Announcer } from '../tracker/announcer.ts';
import { ServedBlob } from './served-blob.ts';

/** A blob that is served, and since when. */
export interface ServedSeed {
  readonly swarm: SwarmId;
  readonly startedMs: number;
  readonly served: ServedBlob;
  readonly seeding: Seeding;
}

export interface SeedsOptions {
  readonly exchange: Pick<Exchange, 'seed'>;
  readonly announcer: Pick<Announcer, 'complete' | 'touch' | 'leave'>;
  /** Blobs served at once: the most recently used ones. Each holds its piece hashes in memory. */
  readonly seedsMax: number;
  /** Milliseconds. */
  readonly clock: () => number;
}

/** The complete blobs that this node serves to peers and tells the trackers of. */
export class Seeds {
  readonly #o: SeedsOptions;
  /** Least recently used first. */
  readonly #seeds = new Map<Digest, ServedSeed>();

  constructor(o: SeedsOptions) {
    this.#o = o;
  }

  get size(): number {
    return this.#seeds.size;
  }

  /** Least recently used first. */
  served(): Iterable<ServedSeed> {
    return this.#seeds.values();
  }

  digests(): Iterable<Digest> {
    return this.#seeds.keys();
  }

  /** Serves a complete blob from now on, or counts a use of one that is served already. */
  ensure(blob: CachedBlob): void {
    const known = this.#seeds.get(blob.digest);
    if (known && !known.served.blob.removed) return this.#touch(blob.digest, known);
    if (known) void this.drop(blob.digest);
    if (!blob.complete || this.#o.seedsMax === 0) return;
    const { digest, leafAlgorithm, pieceLength } = blob.signed.metainfo;
    const swarm = swarmIdOf(digest, leafAlgorithm, pieceLength, sha256);
    const served = new ServedBlob(blob, () => this.#used(digest));
    const seeding = this.#o.exchange.seed(served, 'peer');
    this.#seeds.set(digest, { swarm, startedMs: this.#o.clock(), served, seeding });
    const pieces = blob.have.length;
    this.#o.announcer.complete({
      swarm,
      digest,
      status: () => ({ have: pieces, pieces, degree: seeding.degree, want: 0 }),
    });
    const [oldest] = this.#seeds.size > this.#o.seedsMax ? this.#seeds.keys() : [];
    if (oldest !== undefined) void this.drop(oldest);
  }

  /** Leaves the swarm; resolves when the file may go. */
  async drop(digest: Digest): Promise<void> {
    const seed = this.#seeds.get(digest);
    if (!seed) return;
    this.#seeds.delete(digest);
    this.#o.announcer.leave(seed.swarm);
    await seed.seeding.stop();
    seed.served.close();
  }

  close(): void {
    for (const { served } of this.#seeds.values()) served.close();
    this.#seeds.clear();
  }

  #used(digest: Digest): void {
    const seed = this.#seeds.get(digest);
    if (seed) this.#touch(digest, seed);
  }

  #touch(digest: Digest, seed: ServedSeed): void {
    this.#seeds.delete(digest);
    this.#seeds.set(digest, seed);
    this.#o.announcer.touch(seed.swarm);
    seed.served.blob.touch();
  }
}
