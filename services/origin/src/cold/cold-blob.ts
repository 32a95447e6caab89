import { setTimeout as sleep } from 'node:timers/promises';
import { type BlobCut, type Digest, MiB, OciError, type RepositoryName, ShoalError } from '@shoal/core';
import type { Seeding as Seed } from '@shoal/exchange';
import { type BlobSource, UpstreamError } from '@shoal/registry';
import type { GrowingBlob } from '@shoal/store';
import type { Content } from '../content.ts';
import { storedSource } from '../read-registry.ts';
import { type ColdFetch, type ColdSource, GivenUpError, type Reservation } from './cold-source.ts';
import { GrowingSource } from './growing-source.ts';
import { stalling } from './stalling.ts';

/** What a cold blob needs of the origin. */
export interface ColdBlobOptions {
  readonly content: Content;
  /** Enters the blob's swarm, and hands it over once the blob is stored. */
  readonly seeding: {
    grow(blob: GrowingBlob): Seed;
    adopt(digest: Digest, seed: Seed, blob: GrowingBlob): void;
  };
  /** How long a source may take for 16 KiB before the read counts as broken. */
  readonly stallMs: number;
  /** How long a reply waits for a blob whose size nobody tells. */
  readonly firstByteMs: number;
  /** Aborts when the process stops. */
  readonly stop: AbortSignal;
  readonly bytesReceived: (bytes: number) => void;
}

/** Reads that break off in a row, each having brought next to nothing. */
const barrenMax = 4;
const barrenBytesMax = MiB;
const retryMs = 100;
/** A longer rest is for who asks next. */
const restMsMax = 3_000;

/** One fetch: reads the source, lets clients and agents have what has come, and makes a blob of it or nothing. */
export class ColdBlob implements ColdFetch {
  readonly digest: Digest;
  readonly size: number | undefined;
  readonly done: Promise<void>;
  /** Who will hold the blob. */
  readonly repositories: Set<RepositoryName>;
  readonly #o: ColdBlobOptions;
  readonly #source: ColdSource;
  readonly #opened: Promise<GrowingBlob>;
  readonly #watchers = new Set<() => void>();
  readonly #begun = Promise.withResolvers<void>();
  #blob: GrowingBlob | undefined;
  #seed: Seed | undefined;
  #outcome: 'stored' | { readonly error: Error } | undefined;

  constructor(digest: Digest, source: ColdSource, options: ColdBlobOptions) {
    this.digest = digest;
    this.size = source.size;
    this.repositories = new Set([source.repository]);
    this.#o = options;
    this.#source = source;
    this.#opened = options.content.blobs.grow(digest, source.size);
    this.done = this.#run();
    this.done.catch(() => undefined);
  }

  get received(): number {
    return this.#blob?.received ?? 0;
  }

  /** Gives the room back when it has ended. */
  keep(room: Reservation | undefined): void {
    if (!room) return;
    room.received = () => this.received;
    const free = (): void => room[Symbol.dispose]();
    this.done.then(free, free);
  }

  /** Resolves with the first byte, or when it has ended. */
  begins(): Promise<void> {
    return Promise.race([this.#begun.promise, this.done.catch(() => undefined)]);
  }

  /** How the blob is cut while its swarm is open; undefined when it is stored, or agents get it only then. @throws as `open` */
  async swarmCut(): Promise<BlobCut | undefined> {
    const blob = await this.#opened;
    return this.#seed && this.#outcome === undefined ? blob.cut : undefined;
  }

  async open(signal: AbortSignal): Promise<BlobSource> {
    signal.throwIfAborted();
    const blob = await this.#opened;
    if (this.size !== undefined && this.#outcome === undefined) return new GrowingSource(this, blob, this.size);
    await this.#storedInTime(signal);
    const stored = await this.#o.content.blobs.open(this.digest);
    if (!stored) throw new OciError('BLOB_UNKNOWN', `${this.digest} was deleted as soon as it was there`);
    return storedSource(stored);
  }

  /** Without a size nothing can be answered before it is complete: who comes again finds it. */
  async #storedInTime(signal: AbortSignal): Promise<void> {
    const { firstByteMs } = this.#o;
    const late = Promise.withResolvers<never>();
    const why = `${this.digest}: nobody tells its size, and it is not complete after ${firstByteMs} ms`;
    const timer = setTimeout(() => late.reject(new ShoalError('UNAVAILABLE', 503, why)), firstByteMs);
    await aborting(Promise.race([this.done, late.promise]), signal).finally(() => clearTimeout(timer));
  }

  /** Bytes that clients may have: the last piece only once the digest is verified. @throws why the fetch failed */
  get readable(): number {
    if (this.#outcome === 'stored') return this.size ?? this.received;
    if (this.#outcome) throw this.#outcome.error;
    const cut = this.#blob?.cut;
    return cut ? Math.min(this.received, Math.max(0, cut.pieceHashes.length - 1) * cut.pieceLength) : 0;
  }

  /** Calls back when `readable` has changed, until disposed. */
  watch(changed: () => void): Disposable {
    this.#watchers.add(changed);
    return { [Symbol.dispose]: () => void this.#watchers.delete(changed) };
  }

  async #run(): Promise<void> {
    const blob = (this.#blob = await this.#opened);
    try {
      if (blob.cut && blob.cut.pieceHashes.length > 1) this.#seed = this.#o.seeding.grow(blob);
      await this.#receive(blob);
      await this.#o.content.commitGrowing(blob, this.repositories);
      this.#hand(blob);
      this.#settle('stored');
    } catch (error) {
      const stopped = this.#o.stop.aborted;
      this.#settle({ error: error instanceof Error ? error : new Error(String(error)) });
      await (stopped ? this.#seed?.stop() : this.#seed?.purge());
      await blob.discard();
      throw error;
    } finally {
      blob.close();
    }
  }

  /** What was withheld goes out, and the swarm goes on as that of any stored blob. */
  #hand(blob: GrowingBlob): void {
    if (!this.#seed) return;
    this.#seed.grown([(blob.cut?.pieceHashes.length ?? 1) - 1]);
    this.#o.seeding.adopt(this.digest, this.#seed, blob);
  }

  async #receive(blob: GrowingBlob): Promise<void> {
    for (let barren = 0; ;) {
      const before = blob.received;
      try {
        await this.#read(blob);
        if (this.size === undefined || blob.received === this.size) return;
        throw new ShoalError(
          'UPSTREAM_BROKEN',
          502,
          `${this.digest} ends after ${blob.received} of ${this.size} bytes`,
        );
      } catch (error) {
        barren = blob.received - before > barrenBytesMax ? 0 : barren + 1;
        if (isFinal(error) || barren === barrenMax || this.#o.stop.aborted) throw error;
        await sleep(Math.max(retryMs * 2 ** barren, restMs(error) ?? 0), undefined, { signal: this.#o.stop });
      }
    }
  }

  async #read(blob: GrowingBlob): Promise<void> {
    const { stop, stallMs, bytesReceived } = this.#o;
    using stall = stalling(stallMs, stop);
    const chunks = await stall.guard(this.#source.open(blob.received, stall.signal));
    const reader = chunks[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await stall.guard(reader.next());
        if (next.done) return;
        const pieces = await blob.append(next.value);
        bytesReceived(next.value.length);
        stall.progress(next.value.length);
        this.#begun.resolve();
        if (pieces.length > 0) this.#seed?.grown(pieces);
        this.#changed();
      }
    } finally {
      // A source that hangs may never answer; its signal has told it.
      stall.end();
      void reader.return?.()?.catch(() => undefined);
    }
  }

  #settle(outcome: 'stored' | { readonly error: Error }): void {
    this.#outcome = outcome;
    this.#changed();
  }

  #changed(): void {
    for (const changed of [...this.#watchers]) changed();
  }
}

/** How long the source wants to be left alone, in milliseconds; one that limits without a time is not tried again. */
const restMs = (error: unknown): number | undefined => {
  if (!(error instanceof UpstreamError)) return undefined;
  return error.retryAfterMs ?? (error.failure === 'limited' ? Infinity : undefined);
};

const isFinal = (error: unknown): boolean =>
  error instanceof OciError ||
  error instanceof GivenUpError ||
  (restMs(error) ?? 0) > restMsMax ||
  (error instanceof ShoalError && error.code === 'STORE_FULL');

const aborting = async (work: Promise<void>, signal: AbortSignal): Promise<void> => {
  const { promise, reject } = Promise.withResolvers<never>();
  const aborted = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', aborted);
  }
};
