import { type Digest, ShoalError, type SignedMetainfo, wholeCut } from '@shoal/core';
import { type BlobSource, SingleFlight } from '@shoal/registry';
import { BlobTooLargeError, type CachedBlob, type PieceCache, sha256, StoreFullError } from '@shoal/store';
import type { BlobPlace } from '../events.ts';
import type { DirectFetch } from '../direct/direct-fetch.ts';
import type { Direct, DirectFound } from '../direct/direct.ts';
import type { FoundMetainfo, MetainfoSource } from '../metainfo/metainfo-source.ts';
import type { Seeds } from '../seeds/seeds.ts';
import { verifySuspect } from '../seeds/verify-suspect.ts';
import { BlobPull, type PullContext, type PullEnd, type Teller } from './blob-pull.ts';
import { BlobReader } from './blob-reader.ts';
import { FirstByteDeadline } from './deadline.ts';
import type { PassThroughs } from './pass-through.ts';
import { PastCacheSource } from './past-cache-source.ts';
import { ReaderSet } from './reader-set.ts';
import { RehashSource } from './rehash-source.ts';
import { fetchSmall, isSigned, isSmall, type SmallBlobOptions } from './small-blob.ts';

export interface PullsOptions {
  readonly cache: PieceCache;
  readonly metainfo: MetainfoSource;
  readonly seeds: Seeds;
  readonly small: SmallBlobOptions;
  readonly passThroughs: PassThroughs;
  readonly direct: Pick<Direct, 'covers' | 'find' | 'fetching' | 'size'> & Disposable;
  readonly context: PullContext;
  readonly downloadsMax: number;
}

/** How a blob can be read: whole from the cache, on its way into it, while it is hashed after a crash, or past the cache. */
type Readable =
  | { readonly way: 'cache'; readonly blob: CachedBlob }
  | { readonly way: 'pull'; readonly pull: BlobPull }
  | { readonly way: 'direct'; readonly fetch: DirectFetch }
  | { readonly way: 'rehash'; readonly blob: CachedBlob; readonly rehashed: Promise<Readable> }
  | { readonly way: 'past'; readonly signed: SignedMetainfo };

const places = {
  cache: 'cache',
  pull: 'download',
  direct: 'download',
  rehash: 'rehash',
  past: 'past_cache',
} as const satisfies Record<Readable['way'], BlobPlace>;

type Found = FoundMetainfo | DirectFound;

/** Nobody signs what comes from elsewhere: with all hashes there the digest is verified here. */
const told = ({ growing }: CachedBlob): FoundMetainfo | undefined => {
  const metainfo = growing && wholeCut(growing, sha256);
  return metainfo && { kind: 'signed', signed: { metainfo, signatures: [] } };
};

/** Every blob request of the node: one download a blob, however many read it. */
export class Pulls {
  readonly #o: PullsOptions;
  readonly #pulls = new Map<Digest, BlobPull>();
  readonly #flights: SingleFlight<Readable>;
  readonly #rehashes: SingleFlight<Readable>;

  constructor(o: PullsOptions) {
    this.#o = o;
    this.#flights = new SingleFlight({ keysMax: 4 * o.downloadsMax });
    this.#rehashes = new SingleFlight({ keysMax: 4 * o.downloadsMax });
  }

  get active(): Iterable<BlobPull> {
    return this.#pulls.values();
  }

  get count(): number {
    return this.#pulls.size;
  }

  /**
   * A blob or manifest by digest. Resolves when its size is known.
   * @throws OciError BLOB_UNKNOWN (404); ShoalError UNAVAILABLE, OVERLOADED (503)
   */
  async open(repository: string, digest: Digest): Promise<BlobSource> {
    const { context } = this.#o;
    const askedMs = context.clock();
    let begun = false;
    const firstByte = (size: number): void => {
      if (!begun) context.events.firstByte((context.clock() - askedMs) / 1000, size);
      begun = true;
    };
    const deadline = new FirstByteDeadline(context.firstByteMs, digest);
    try {
      const find = (): Promise<Readable> => deadline.race(this.#find(repository, digest));
      const open = (readable: Readable): BlobSource => {
        const source = this.#source(readable, repository, { deadline, firstByte });
        context.events.blobOpened(places[readable.way]);
        return source;
      };
      const readable = this.#atHand(digest) ?? (await find());
      try {
        return open(readable);
      } catch (error) {
        // Its files were taken away behind the cache's back, which has noticed by now: it is fetched again.
        if (!(error instanceof ShoalError && error.code === 'BLOB_REMOVED')) throw error;
        return open(await find());
      }
    } catch (error) {
      deadline.met();
      throw error;
    }
  }

  /** The size in bytes, without fetching the blob. @throws as `open` */
  async size(repository: string, digest: Digest): Promise<number> {
    const { cache, metainfo } = this.#o;
    const known = this.#pulls.get(digest)?.blob ?? cache.get(digest);
    if (known) return known.size;
    try {
      const found = await metainfo.find(digest, repository);
      return found.kind === 'signed' ? found.signed.metainfo.size : found.cut.size;
    } catch (error) {
      if (!this.#isDirect(error, repository)) throw error;
      return this.#o.direct.size(repository, digest);
    }
  }

  async stop(): Promise<void> {
    this.#o.direct[Symbol.dispose]();
    const reason = new ShoalError('STOPPING', 503, 'the process stops');
    await Promise.all([...this.#pulls.values()].map((pull) => pull.stop(reason)));
    this.#pulls.clear();
  }

  #source(
    readable: Readable,
    repository: string,
    o: { deadline: FirstByteDeadline; firstByte: (size: number) => void },
  ): BlobSource {
    const { seeds, context, passThroughs } = this.#o;
    const past = (signed: SignedMetainfo, reason: string) => (): BlobSource => {
      context.events.passedThrough(signed.metainfo.digest, reason);
      return passThroughs.open(signed, repository);
    };
    switch (readable.way) {
      case 'cache': {
        const { blob } = readable;
        seeds.ensure(blob);
        return new BlobReader({
          ...o,
          blob,
          readers: new ReaderSet({ have: blob.have, changed: () => {} }),
          broken: () => this.#drop(blob),
        });
      }
      case 'direct': {
        const { blob, readers } = readable.fetch;
        return new BlobReader({ ...o, blob, readers });
      }
      case 'pull': {
        const { pull } = readable;
        // What cannot be checked does not pass by the cache either.
        if (pull.blob.growing) return pull.open(o.deadline, o.firstByte);
        return new PastCacheSource(pull.open(o.deadline, o.firstByte), past(pull.blob.signed, 'the disk is full'));
      }
      case 'rehash': {
        const { blob, rehashed } = readable;
        return new RehashSource({
          ...o,
          blob,
          rehashed: rehashed.then((settled) => () => this.#source(settled, repository, o)),
          pastCache: past(blob.signed, 'it is still being hashed after an unclean stop'),
          patienceMs: context.firstByteMs / 4,
        });
      }
      case 'past':
        o.deadline.met();
        return past(readable.signed, 'the cache has no room for it')();
    }
  }

  /** Its file is broken: who resumes by Range gets it fetched again. */
  #drop(blob: CachedBlob): void {
    const { cache, seeds, context } = this.#o;
    if (blob.removed) return;
    context.events.cacheDropped(blob.digest, 'its file cannot be read');
    void seeds.drop(blob.digest);
    cache.remove(blob.digest);
  }

  /** What needs no waiting. A blob being verified as a whole is read by its pull until that is done. */
  #atHand(digest: Digest): Readable | undefined {
    const pull = this.#pulls.get(digest);
    if (pull) return { way: 'pull', pull };
    const fetch = this.#o.direct.fetching(digest);
    if (fetch) return { way: 'direct', fetch };
    const blob = this.#o.cache.get(digest);
    return blob?.complete ? { way: 'cache', blob } : undefined;
  }

  async #find(repository: string, digest: Digest): Promise<Readable> {
    const signed = this.#o.cache.get(digest)?.signed;
    const found: Found = signed ? { kind: 'signed', signed } : await this.#metainfo(repository, digest);
    return this.#atHand(digest) ?? this.#flights.run(digest, () => this.#begin(found, repository));
  }

  /** From the blob's own registry when nobody else knows it and no origin answers. */
  async #metainfo(repository: string, digest: Digest): Promise<Found> {
    const { metainfo, direct } = this.#o;
    try {
      return await metainfo.find(digest, repository);
    } catch (error) {
      if (!this.#isDirect(error, repository)) throw error;
      return direct.find(repository, digest);
    }
  }

  #isDirect(error: unknown, repository: string): boolean {
    return error instanceof ShoalError && error.code === 'UNAVAILABLE' && this.#o.direct.covers(repository);
  }

  async #begin(found: Found, repository: string): Promise<Readable> {
    if (found.kind === 'signed') return this.#prepare(found.signed, repository);
    if (found.kind === 'fetching') return { way: 'direct', fetch: found.fetch };
    this.#checkRoom();
    const blob = await this.#o.cache.createGrowing(found.cut);
    return { way: 'pull', pull: this.#start(blob, repository, 'teller' in found ? found.teller : undefined) };
  }

  async #prepare(signed: SignedMetainfo, repository: string): Promise<Readable> {
    const { cache } = this.#o;
    this.#checkRoom();
    try {
      const blob = await cache.create(signed);
      if (blob.suspect) return { way: 'rehash', blob, rehashed: this.#rehash(blob, repository) };
      return await this.#fill(blob, repository);
    } catch (error) {
      if (error instanceof StoreFullError || error instanceof BlobTooLargeError) return { way: 'past', signed };
      throw error;
    }
  }

  #checkRoom(): void {
    const { downloadsMax } = this.#o;
    if (this.#pulls.size < downloadsMax) return;
    throw new ShoalError('OVERLOADED', 503, `${downloadsMax} blobs are being downloaded already (limits.downloadsMax)`);
  }

  /** After an unclean stop what is there counts once it has been hashed again. Its failure is for those who read. */
  #rehash(blob: CachedBlob, repository: string): Promise<Readable> {
    const rehashed = this.#rehashes.run(blob.digest, async () => {
      await verifySuspect(blob, this.#o.context.events);
      return this.#atHand(blob.digest) ?? this.#flights.run(blob.digest, () => this.#prepare(blob.signed, repository));
    });
    rehashed.catch(() => undefined);
    return rehashed;
  }

  /** Completes a blob of the cache. */
  async #fill(blob: CachedBlob, repository: string): Promise<Readable> {
    using _retained = blob.retain();
    if (!blob.complete && isSmall(blob.signed)) await this.#fetchSmall(blob, repository);
    if (blob.complete) return { way: 'cache', blob };
    return { way: 'pull', pull: this.#start(blob, repository) };
  }

  async #fetchSmall(blob: CachedBlob, repository: string): Promise<void> {
    const { small, context } = this.#o;
    const startedMs = context.clock();
    if (await fetchSmall(blob, repository, small))
      context.events.smallFetched(blob.digest, (context.clock() - startedMs) / 1000, blob.size);
  }

  #start(blob: CachedBlob, repository: string, teller?: Teller): BlobPull {
    const { context, metainfo } = this.#o;
    context.events.downloadStarted(blob.digest, blob.size, Math.min(blob.size, blob.have.count * blob.pieceLength));
    const pull = new BlobPull(
      {
        ...context,
        verifyWhole: context.verifyWhole || teller !== undefined || (!blob.growing && !isSigned(blob.signed)),
        askMetainfo: async () => (teller && told(blob)) ?? metainfo.find(blob.digest, repository),
        teller,
        confirm: (signed) => this.#o.cache.confirm(blob, signed),
      },
      blob,
      repository,
      this.#end,
    );
    this.#pulls.set(blob.digest, pull);
    return pull;
  }

  readonly #end: PullEnd = {
    complete: (pull) => {
      const { seeds, context } = this.#o;
      const { digest, startedMs, bytes, blob } = pull;
      context.events.downloadDone(digest, (context.clock() - startedMs) / 1000, blob.size, bytes);
      this.#pulls.delete(digest);
      // The seeding takes the swarm over before the download lets go of it: no neighbour is lost.
      seeds.ensure(pull.blob);
      void pull.stop(new Error('the download is complete'));
    },
    failed: (pull, why) => {
      if (this.#pulls.get(pull.digest) === pull) this.#pulls.delete(pull.digest);
      // A part that cannot grow takes the room of others; a corrupt blob, or one nobody signed, must not be found again.
      if (why === 'full' || why === 'corrupt' || pull.blob.growing) this.#o.cache.remove(pull.digest);
    },
  };
}
