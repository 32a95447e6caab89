import type { Bitfield, BlobCut, PieceIndex, SwarmId } from '@shoal/core';
import type { NodeIdentity, PieceReader } from '@shoal/transport';
import { SuperSide } from './super-side.ts';
import type { Swarm } from './swarm.ts';

/** A blob to be served: all of it, or the pieces in `have`. */
export interface SeedBlob extends PieceReader {
  readonly metainfo: BlobCut;
  /** Verified pieces; all when absent. Origins super-seed complete or growing blobs. */
  readonly have?: Bitfield;
}

/** This node's part in the swarm of a blob that it serves. */
export class Seeding {
  readonly #swarm: Swarm;
  readonly #release: () => Promise<void>;
  #stopped: Promise<void> | undefined;

  constructor(swarm: Swarm, release: () => Promise<void>) {
    this.#swarm = swarm;
    this.#release = release;
  }

  get swarmId(): SwarmId {
    return this.#swarm.id;
  }

  /** Neighbours in the swarm. */
  get degree(): number {
    return this.#swarm.degree;
  }

  /** The neighbours themselves. */
  neighbours(): Iterable<NodeIdentity> {
    return this.#swarm.joined();
  }

  /** Pieces sent in full divided by the pieces of the blob; only an origin counts them. */
  get copiesSent(): number | undefined {
    return this.#swarm.side instanceof SuperSide ? this.#swarm.side.copiesSent : undefined;
  }

  /** Of a growing blob: the pieces can be served and their hashes are in its cut. */
  grown(pieces: readonly PieceIndex[]): void {
    if (this.#swarm.side instanceof SuperSide && !this.#swarm.stopped) this.#swarm.side.grown(pieces);
  }

  /** As `stop`, telling everybody that the bytes are wrong. */
  purge(): Promise<void> {
    if (!this.#swarm.stopped) this.#swarm.purge();
    return this.stop();
  }

  /** LEAVE, REJECT(gone) to who waits; resolves when the chunks under way are out and the file may go. Idempotent. */
  stop(): Promise<void> {
    this.#stopped ??= this.#release();
    return this.#stopped;
  }
}
