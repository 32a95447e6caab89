import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BlobCut,
  decodeCut,
  decodeMetainfo,
  type Digest,
  type GrowingCut,
  growingCut,
  parseAddress,
  type PieceLengthPolicy,
  pieceLengthFor,
  type RepositoryName,
  ShoalError,
  type SignedMetainfo,
  type Tag,
} from '@shoal/core';
import type { Exchange } from '@shoal/exchange';
import { SingleFlight, UpstreamError, upstreamReferrers } from '@shoal/registry';
import { type PieceCache, sha256 } from '@shoal/store';
import type { UpstreamRepository, UpstreamSet } from '@shoal/upstreams';
import type { DescriptorBook } from '../metainfo/descriptor-book.ts';
import type { Origins } from '../origin/origins.ts';
import type { PeerRecords } from '../peers/peer-records.ts';
import type { Teller } from '../pull/blob-pull.ts';
import type { Seeds } from '../seeds/seeds.ts';
import type { TrackerClient } from '../tracker/tracker-client.ts';
import { DirectFetch, type DirectSource } from './direct-fetch.ts';

export interface DirectOptions {
  readonly upstreams: UpstreamSet;
  readonly origins: Pick<Origins, 'reachable'>;
  readonly tracker: Pick<TrackerClient, 'lease'>;
  readonly peers: Pick<PeerRecords, 'first'>;
  readonly exchange: Pick<Exchange, 'connect' | 'askRecord' | 'seed'>;
  readonly cache: PieceCache;
  readonly seeds: Pick<Seeds, 'ensure'>;
  /** See SwarmSide. */
  readonly receiving: Map<Digest, BlobCut>;
  readonly descriptors: Pick<DescriptorBook, 'get'>;
  readonly mediaTypes: { putMediaType(digest: Digest, mediaType: string): void };
  readonly policy: () => PieceLengthPolicy;
  readonly peerMs: number;
  readonly events: { directFetch(digest: Digest, outcome: 'stored' | 'failed', reason?: string): void };
}

/** Content of another registry: whole and without a signature, or on its way to another agent or to this one. */
export type DirectFound =
  | { readonly kind: 'signed'; readonly signed: SignedMetainfo }
  | { readonly kind: 'growing'; readonly cut: GrowingCut; readonly teller: Teller }
  | { readonly kind: 'fetching'; readonly fetch: DirectFetch };

/** What is fetched and waited for at once. */
const flightsMax = 256;
const pollMs = 300;
/** Renewals within the time that a lease holds. */
const renewals = 3;
/** Another agent's fetch is not waited for longer; who comes later asks again. */
const waitMsMax = 10 * 60_000;

/**
 * The last rung: with every origin down, content of other registries comes from these themselves. Under a lease of the
 * tracker one agent fetches a digest, and the others take it from there as it arrives, hashes included. Nobody has signed
 * such a blob: each agent verifies the digest of the whole before it gives the last piece away.
 */
export class Direct {
  readonly #o: DirectOptions;
  readonly #flights = new SingleFlight<DirectFound>({ keysMax: flightsMax });
  readonly #fetches = new Map<Digest, DirectFetch>();
  readonly #stop = new AbortController();

  constructor(options: DirectOptions) {
    this.#o = options;
  }

  /** Whether no origin answers, and the registry of the repository may be asked in its place. */
  covers(repository: string): boolean {
    const { upstreams, origins } = this.#o;
    return origins.reachable === 0 && upstreams.owns(repository as RepositoryName);
  }

  /** What a tag points to now, by the word of its registry. @throws OciError NAME_UNKNOWN; UpstreamError */
  async tag(repository: RepositoryName, tag: Tag): Promise<Digest> {
    const { upstream, repository: name } = this.#from(repository);
    // HEAD is not counted by rate limits, and the manifest comes under a lease like all content.
    const digest = await upstream.tagDigest(name, tag);
    return digest ?? (await upstream.manifest(name, { kind: 'tag', tag })).digest;
  }

  /** Descriptors of what refers to a manifest, by the word of its registry. @throws OciError NAME_UNKNOWN; UpstreamError */
  referrers(repository: RepositoryName, subject: Digest): Promise<unknown[]> {
    const { upstream, repository: name } = this.#from(repository);
    return upstreamReferrers(upstream, name, subject);
  }

  /** A blob that this agent is fetching, of which bytes can be had. */
  fetching(digest: Digest): DirectFetch | undefined {
    return this.#fetches.get(digest);
  }

  /**
   * Content that this agent fetches now or has by now, or that another one does.
   * @throws OciError NAME_UNKNOWN; UpstreamError; ShoalError UNAVAILABLE without a tracker, or when the time is over
   */
  find(repository: string, digest: Digest): Promise<DirectFound> {
    const from = this.#from(repository as RepositoryName);
    return this.#flights.run(digest, () => this.#obtain(from, repository, digest));
  }

  /** In bytes. @throws OciError NAME_UNKNOWN; UpstreamError; ShoalError UNAVAILABLE where its registry does not tell it */
  async size(repository: string, digest: Digest): Promise<number> {
    const known = this.#fetches.get(digest)?.blob.size;
    return known ?? this.#sizeOf(this.#from(repository as RepositoryName), digest);
  }

  [Symbol.dispose](): void {
    this.#stop.abort(new ShoalError('STOPPING', 503, 'the process stops'));
  }

  #from(repository: RepositoryName): UpstreamRepository {
    const from = this.#o.upstreams.find(repository);
    if (!from) throw new ShoalError('UNAVAILABLE', 503, `${repository} is no repository of another registry`);
    return from;
  }

  async #obtain(from: UpstreamRepository, repository: string, digest: Digest): Promise<DirectFound> {
    const { peers } = this.#o;
    const query = { kind: 'metainfo', key: digest, repository } as const;
    const known = await peers.first(query, { digest }, (bytes) => metainfoOf(digest, bytes));
    if (known) return known;
    for (const untilMs = performance.now() + waitMsMax; performance.now() < untilMs;) {
      const { granted, holder, holdMs } = await this.#lease(digest);
      if (granted) return this.#leased(from, digest, holdMs);
      const told = await this.#ask(holder, digest, repository);
      if (told) return told;
      await sleep(pollMs, undefined, { signal: this.#stop.signal });
    }
    throw new ShoalError('UNAVAILABLE', 503, `${digest}: the agent that fetches it has not got it yet`);
  }

  #lease(digest: Digest, options: { release?: boolean } = {}): ReturnType<TrackerClient['lease']> {
    return this.#o.tracker.lease(digest, options).catch((error: unknown) => {
      throw new ShoalError('UNAVAILABLE', 503, `${digest}: no origin answers, and no tracker gives a lease`, {
        cause: error,
      });
    });
  }

  /** What the holder of the lease has, or how it receives it; undefined while it does neither. */
  async #ask(holder: Teller, digest: Digest, repository: string): Promise<DirectFound | undefined> {
    const { exchange, peerMs } = this.#o;
    try {
      const link = await exchange.connect(parseAddress(holder.address));
      const bytes = await exchange.askRecord(link, { kind: 'metainfo', key: digest, repository }, peerMs);
      const cut = bytes && decodeCut(bytes);
      if (cut?.digest === digest && link.remote.peerId === holder.peerId)
        return { kind: 'growing', cut, teller: holder };
      return bytes && metainfoOf(digest, bytes);
    } catch {
      return undefined;
    }
  }

  /** A lease that was of use is left to expire: until then whoever asks is sent to this agent. */
  async #leased(from: UpstreamRepository, digest: Digest, holdMs: number): Promise<DirectFound> {
    const { events, receiving } = this.#o;
    const renewal = setInterval(() => void this.#lease(digest).catch(() => undefined), holdMs / renewals);
    const failed = async (error: unknown): Promise<never> => {
      clearInterval(renewal);
      await this.#lease(digest, { release: true }).catch(() => undefined);
      events.directFetch(digest, 'failed', (error as Error).message);
      throw error;
    };
    const fetch = await this.#fetch(from, digest).catch(failed);
    this.#fetches.set(digest, fetch);
    if (fetch.flows) receiving.set(digest, fetch.blob.metainfo);
    const ended = fetch.done
      .finally(() => {
        this.#fetches.delete(digest);
        receiving.delete(digest);
      })
      .then(() => {
        clearInterval(renewal);
        events.directFetch(digest, 'stored');
      }, failed);
    ended.catch(() => undefined);
    await (fetch.flows ? Promise.race([fetch.begins(), ended]) : ended);
    return fetch.blob.growing ? { kind: 'fetching', fetch } : { kind: 'signed', signed: fetch.blob.signed };
  }

  async #fetch(from: UpstreamRepository, digest: Digest): Promise<DirectFetch> {
    const { cache, policy, exchange, seeds } = this.#o;
    const source = await this.#source(from, digest);
    const cut = growingCut(digest, source.size, pieceLengthFor(source.size, policy()));
    const blob = await cache.createGrowing(cut);
    const { signal } = this.#stop;
    return new DirectFetch(blob, cut, source, { cache, exchange, seeds, policy: policy(), signal });
  }

  async #source(from: UpstreamRepository, digest: Digest): Promise<DirectSource> {
    const { descriptors, mediaTypes } = this.#o;
    const { upstream, repository } = from;
    const { signal } = this.#stop;
    const descriptor = descriptors.get(digest);
    if (descriptor?.role !== 'blob') {
      const manifest = await upstream
        .manifest(repository, { kind: 'digest', digest }, { signal })
        .catch((error: unknown) => {
          if (descriptor || !(error instanceof UpstreamError && error.failure === 'absent')) throw error;
        });
      if (manifest) {
        const { bytes, mediaType } = manifest;
        mediaTypes.putMediaType(digest, mediaType);
        return { digest, size: bytes.length, open: async (offset) => inOneChunk(bytes.subarray(offset)) };
      }
    }
    const size = await this.#sizeOf(from, digest);
    const open = async (offset: number) => (await upstream.blob(repository, digest, offset, signal)).chunks;
    return { digest, size, open };
  }

  async #sizeOf({ upstream, repository }: UpstreamRepository, digest: Digest): Promise<number> {
    const { signal } = this.#stop;
    const size = this.#o.descriptors.get(digest)?.size ?? (await upstream.blobSize(repository, digest, { signal }));
    if (size === undefined) throw new ShoalError('UNAVAILABLE', 503, `${digest}: its registry does not tell its size`);
    return size;
  }
}

const inOneChunk = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
};

/** Consistent metainfo of the blob, whoever vouches for it; undefined for anything else. */
const metainfoOf = (digest: Digest, bytes: Uint8Array): DirectFound | undefined => {
  try {
    const { metainfo } = decodeMetainfo(bytes, sha256);
    // What a signature might say counts for nothing here.
    return metainfo.digest === digest ? { kind: 'signed', signed: { metainfo, signatures: [] } } : undefined;
  } catch {
    return undefined;
  }
};
