import { type Digest, type SignedMetainfo, type SwarmId, swarmIdOf } from '@shoal/core';
import { sha256 } from '@shoal/store';

/** Metainfo files read at the same moment while the index is built. */
const readsMax = 16;

/**
 * Which blob a swarm is of. A swarm id is a hash, so an agent's JOIN names a blob only to who has computed the id
 * before: the index holds the ids of everything the origin could seed, without opening it.
 */
export class SwarmIndex {
  readonly #metainfo: (digest: Digest) => Promise<SignedMetainfo | undefined>;
  readonly #digests = new Map<SwarmId, Digest>();
  readonly #swarms = new Map<Digest, SwarmId>();
  #loaded: Promise<void> = Promise.resolve();

  constructor(metainfo: (digest: Digest) => Promise<SignedMetainfo | undefined>) {
    this.#metainfo = metainfo;
  }

  /** Begins to read what is stored already; `find` waits for it. */
  load(digests: Iterable<Digest>): void {
    const rest = [...digests][Symbol.iterator]();
    const worker = async (): Promise<void> => {
      for (const digest of rest) await this.add(digest);
    };
    this.#loaded = Promise.all(Array.from({ length: readsMax }, worker)).then(() => undefined);
  }

  /** Adds a blob whose metainfo is stored; nothing happens when it is gone. */
  async add(digest: Digest): Promise<void> {
    if (this.#swarms.has(digest)) return;
    const signed = await this.#metainfo(digest).catch(() => undefined);
    if (!signed) return;
    const { leafAlgorithm, pieceLength } = signed.metainfo;
    const swarm = swarmIdOf(digest, leafAlgorithm, pieceLength, sha256);
    this.#swarms.set(digest, swarm);
    this.#digests.set(swarm, digest);
  }

  remove(digest: Digest): SwarmId | undefined {
    const swarm = this.#swarms.get(digest);
    this.#swarms.delete(digest);
    if (swarm !== undefined) this.#digests.delete(swarm);
    return swarm;
  }

  async find(swarm: SwarmId): Promise<Digest | undefined> {
    const known = this.#digests.get(swarm);
    if (known !== undefined) return known;
    await this.#loaded;
    return this.#digests.get(swarm);
  }
}
