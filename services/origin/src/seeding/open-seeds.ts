import type { Digest } from '@shoal/core';
import type { Exchange, Seeding as Seed } from '@shoal/exchange';
import type { BlobStore, StoredBlob } from '@shoal/store';
import { seedBlob } from './seed-blob.ts';

interface OpenSeed {
  readonly seed: Seed;
  readonly blob: Pick<StoredBlob, 'close'>;
}

/** The blobs that are open for peers, at most `openMax`; each holds a file descriptor and its piece hashes. */
export class OpenSeeds {
  readonly #exchange: Exchange;
  readonly #blobs: BlobStore;
  readonly #openMax: number;
  /** In order of use, the longest unused first. */
  readonly #open = new Map<Digest, OpenSeed>();
  readonly #opening = new Map<Digest, Promise<void>>();

  constructor(exchange: Exchange, blobs: BlobStore, openMax: number) {
    this.#exchange = exchange;
    this.#blobs = blobs;
    this.#openMax = openMax;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Joins the swarm of a blob, unless that is done; nothing happens when the blob is gone. */
  async open(digest: Digest): Promise<void> {
    const known = this.#open.get(digest);
    if (known) {
      this.#open.delete(digest);
      this.#open.set(digest, known);
      return;
    }
    const opening = this.#opening.get(digest) ?? this.#start(digest).finally(() => this.#opening.delete(digest));
    this.#opening.set(digest, opening);
    await opening;
  }

  /** Takes over a swarm that is open already. */
  adopt(digest: Digest, open: OpenSeed): void {
    this.#open.set(digest, open);
    if (this.#open.size > this.#openMax) void this.#makeRoom();
  }

  /** Leaves the swarm; the file closes when the chunks under way are out. */
  async close(digest: Digest): Promise<void> {
    await this.#opening.get(digest)?.catch(() => undefined);
    const open = this.#open.get(digest);
    if (!open) return;
    this.#open.delete(digest);
    await open.seed.stop();
    open.blob.close();
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.keys(), ...this.#opening.keys()].map((digest) => this.close(digest)));
  }

  async #start(digest: Digest): Promise<void> {
    const blob = await this.#blobs.open(digest);
    if (!blob) return;
    try {
      await this.#makeRoom();
      const seed = this.#exchange.seed(seedBlob(blob, blob.metainfo.metainfo), 'super');
      this.#open.set(digest, { seed, blob });
    } catch (error) {
      blob.close();
      throw error;
    }
  }

  // A swarm without neighbours gives way first.
  async #makeRoom(): Promise<void> {
    while (this.#open.size >= this.#openMax) {
      const digests = [...this.#open];
      const [digest] = digests.find(([, { seed }]) => seed.degree === 0) ?? digests[0] ?? [];
      if (digest === undefined) return;
      await this.close(digest);
    }
  }
}
