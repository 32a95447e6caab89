import { type Digest, digestAlgorithm, type GrowingCut, type PieceLengthPolicy, ShoalError } from '@shoal/core';
import type { Exchange, Seeding } from '@shoal/exchange';
import { type CachedBlob, type PieceCache, TreeHasher } from '@shoal/store';
import { ReaderSet } from '../pull/reader-set.ts';
import { matchesDigest } from '../pull/whole-digest.ts';
import type { Seeds } from '../seeds/seeds.ts';

/** Reads that break off in a row, without a new byte each. */
const barrenMax = 3;

/** The bytes of one blob, as its own registry has them. */
export interface DirectSource {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** The bytes from an offset on; asked again where a read broke off. */
  readonly open: (offset: number) => Promise<AsyncIterable<Uint8Array>>;
}

export interface DirectFetchOptions {
  readonly cache: Pick<PieceCache, 'confirm' | 'remove'>;
  readonly exchange: Pick<Exchange, 'seed'>;
  readonly seeds: Pick<Seeds, 'ensure'>;
  readonly policy: PieceLengthPolicy;
  /** Aborts when the process stops. */
  readonly signal: AbortSignal;
}

/**
 * A blob on its way from its own registry into the cache. Clients and other agents have its pieces as they come, the last one
 * when the digest is verified: it is an origin to them for this one blob. Its metainfo carries no signature.
 */
export class DirectFetch {
  readonly blob: CachedBlob;
  /** Those who read here. */
  readonly readers: ReaderSet;
  /**
   * Resolves when the digest is verified and the blob is seeded. Rejects when nothing of it is left: ShoalError UNAVAILABLE
   * for other bytes than the digest names, StoreFullError, or what the source throws in the end. Never an unhandled rejection.
   */
  readonly done: Promise<void>;
  readonly #o: DirectFetchOptions;
  readonly #source: DirectSource;
  readonly #cut: GrowingCut;
  readonly #tree = new TreeHasher();
  readonly #begun = Promise.withResolvers<void>();
  #seed: Seeding | undefined;
  #received = 0;
  #pieces = 0;

  /** `blob` is an empty one of the cache, cut as `cut`. */
  constructor(blob: CachedBlob, cut: GrowingCut, source: DirectSource, options: DirectFetchOptions) {
    this.blob = blob;
    this.#cut = cut;
    this.#source = source;
    this.#o = options;
    this.readers = new ReaderSet({ have: blob.have, withheld: blob.have.length - 1, changed: () => {} });
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  /** Whether there are pieces to be had before the last one. */
  get flows(): boolean {
    return this.#cut.pieceHashes.length > 1;
  }

  /** Resolves with the first byte. @throws what `done` does */
  begins(): Promise<void> {
    return Promise.race([this.#begun.promise, this.done]);
  }

  async #run(): Promise<void> {
    const { cache, signal } = this.#o;
    using _retained = this.blob.retain();
    try {
      if (this.flows) this.#seed = this.#enter();
      await this.#receive();
      await this.#verify();
      await this.#hand();
    } catch (error) {
      await (signal.aborted ? this.#seed?.stop() : this.#seed?.purge());
      cache.remove(this.blob.digest);
      this.readers.fail(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  }

  #enter(): Seeding {
    const { blob } = this;
    const readInto = (buffer: Uint8Array, position: number): number => blob.readInto(buffer, position);
    return this.#o.exchange.seed({ metainfo: this.#cut, readInto }, 'super', { growing: true });
  }

  async #receive(): Promise<void> {
    const { digest, size, open } = this.#source;
    const { signal } = this.#o;
    for (let barren = 0; this.#received < size;) {
      const before = this.#received;
      try {
        for await (const bytes of await open(before)) {
          signal.throwIfAborted();
          this.#append(bytes);
        }
        if (this.#received < size) throw new Error(`${digest} ended after ${this.#received} of ${size} bytes`);
      } catch (error) {
        barren = this.#received > before ? 0 : barren + 1;
        if (signal.aborted || barren === barrenMax || error instanceof ShoalError) throw error;
      }
    }
  }

  #append(bytes: Uint8Array): void {
    const { digest, size } = this.#source;
    if (this.#received + bytes.length > size)
      throw new ShoalError('UNAVAILABLE', 503, `${digest}: its registry has more than ${size} bytes of it`);
    this.blob.writeSync(bytes, this.#received);
    this.#tree.update(bytes);
    this.#received += bytes.length;
    this.#begun.resolve();
    const { pieceLength, pieceHashes } = this.#cut;
    const pieces: number[] = [];
    while (this.#pieces < pieceHashes.length - 1 && (this.#pieces + 1) * pieceLength <= this.#received) {
      pieceHashes[this.#pieces] = this.#tree.pieceHash(this.#pieces, pieceLength);
      this.blob.markPiece(this.#pieces);
      pieces.push(this.#pieces++);
    }
    if (pieces.length === 0) return;
    this.#seed?.grown(pieces);
    this.readers.wake();
  }

  async #verify(): Promise<void> {
    const { cache, policy, signal } = this.#o;
    const { blob } = this;
    const { digest } = blob;
    const { digest: actual, metainfo } = this.#tree.finish(policy);
    const right = digestAlgorithm(digest) === 'sha256' ? actual === digest : await matchesDigest(blob, signal);
    if (!right) throw new ShoalError('UNAVAILABLE', 503, `${digest}: its registry gave other bytes`);
    for (const [piece, hash] of metainfo.pieceHashes.entries()) {
      this.#cut.pieceHashes[piece] = hash;
      blob.markPiece(piece);
    }
    cache.confirm(blob, { metainfo: { ...metainfo, digest }, signatures: [] });
    await blob.finish();
  }

  /** What was withheld goes out, and the swarm goes on as that of any other blob. */
  async #hand(): Promise<void> {
    this.#seed?.grown([this.#cut.pieceHashes.length - 1]);
    this.readers.release();
    this.#o.seeds.ensure(this.blob);
    await this.#seed?.stop();
  }
}
