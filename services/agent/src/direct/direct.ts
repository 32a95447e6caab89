import { setTimeout as sleep } from 'node:timers/promises';
import {
  decodeMetainfo,
  type Digest,
  parseAddress,
  type PieceLengthPolicy,
  type RepositoryName,
  ShoalError,
  type SignedMetainfo,
  type Tag,
} from '@shoal/core';
import type { Exchange } from '@shoal/exchange';
import { SingleFlight, UpstreamError, upstreamReferrers } from '@shoal/registry';
import { type CachedBlob, type PieceCache, sha256 } from '@shoal/store';
import type { UpstreamRepository, UpstreamSet } from '@shoal/upstreams';
import type { DescriptorBook } from '../metainfo/descriptor-book.ts';
import type { Origins } from '../origin/origins.ts';
import type { PeerRecords } from '../peers/peer-records.ts';
import type { Seeds } from '../seeds/seeds.ts';
import type { TrackerClient } from '../tracker/tracker-client.ts';
import { fetchWhole } from './whole-fetch.ts';

export interface DirectOptions {
  readonly upstreams: UpstreamSet;
  readonly origins: Pick<Origins, 'reachable'>;
  readonly tracker: Pick<TrackerClient, 'lease'>;
  readonly peers: Pick<PeerRecords, 'first'>;
  readonly exchange: Pick<Exchange, 'connect' | 'askRecord'>;
  readonly cache: PieceCache;
  readonly seeds: Pick<Seeds, 'ensure'>;
  readonly descriptors: Pick<DescriptorBook, 'get'>;
  readonly mediaTypes: { putMediaType(digest: Digest, mediaType: string): void };
  readonly policy: () => PieceLengthPolicy;
  readonly peerMs: number;
  readonly events: { directFetch(digest: Digest, outcome: 'stored' | 'failed', reason?: string): void };
}

/** What is fetched and waited for at once. */
const flightsMax = 256;
const pollMs = 300;
/** Renewals within the time that a lease holds. */
const renewals = 3;
/** Another agent's fetch is not waited for longer; who comes later asks again. */
const waitMsMax = 10 * 60_000;

/**
 * The last rung: with every origin down, content of other registries comes from these themselves. Under a lease of the
 * tracker one agent fetches a digest, and the others take it from there. Nobody has signed such a blob: each agent verifies
 * the digest of the whole before it gives the last piece away.
 */
export class Direct {
  readonly #o: DirectOptions;
  readonly #flights = new SingleFlight<SignedMetainfo>({ keysMax: flightsMax });
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

  /**
   * Unsigned metainfo of content that this agent has fetched and verified by now, or that another one has.
   * @throws OciError NAME_UNKNOWN; UpstreamError; ShoalError UNAVAILABLE without a tracker, or when the time is over
   */
  find(repository: string, digest: Digest): Promise<SignedMetainfo> {
    const from = this.#from(repository as RepositoryName);
    return this.#flights.run(digest, () => this.#obtain(from, repository, digest));
  }

  [Symbol.dispose](): void {
    this.#stop.abort(new ShoalError('STOPPING', 503, 'the process stops'));
  }

  #from(repository: RepositoryName): UpstreamRepository {
    const from = this.#o.upstreams.find(repository);
    if (!from) throw new ShoalError('UNAVAILABLE', 503, `${repository} is no repository of another registry`);
    return from;
  }

  async #obtain(from: UpstreamRepository, repository: string, digest: Digest): Promise<SignedMetainfo> {
    const { peers } = this.#o;
    const query = { kind: 'metainfo', key: digest, repository } as const;
    const known = await peers.first(query, { digest }, (bytes) => metainfoOf(digest, bytes));
    if (known) return known;
    for (const untilMs = performance.now() + waitMsMax; performance.now() < untilMs;) {
      const { granted, holder, holdMs } = await this.#lease(digest);
      if (granted) return this.#leased(from, digest, holdMs);
      const told = await this.#ask(holder.address, digest, repository);
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

  /** The metainfo as the holder of the lease has it; undefined while it has not got the blob. */
  async #ask(address: string, digest: Digest, repository: string): Promise<SignedMetainfo | undefined> {
    const { exchange, peerMs } = this.#o;
    try {
      const link = await exchange.connect(parseAddress(address));
      const bytes = await exchange.askRecord(link, { kind: 'metainfo', key: digest, repository }, peerMs);
      return bytes && metainfoOf(digest, bytes);
    } catch {
      return undefined;
    }
  }

  /** A lease that was of use is left to expire: until then whoever asks is sent to this agent. */
  async #leased(from: UpstreamRepository, digest: Digest, holdMs: number): Promise<SignedMetainfo> {
    const { seeds, events } = this.#o;
    const renewal = setInterval(() => void this.#lease(digest).catch(() => undefined), holdMs / renewals);
    try {
      const blob = await this.#fetch(from, digest);
      seeds.ensure(blob);
      events.directFetch(digest, 'stored');
      return blob.signed;
    } catch (error) {
      await this.#lease(digest, { release: true }).catch(() => undefined);
      events.directFetch(digest, 'failed', (error as Error).message);
      throw error;
    } finally {
      clearInterval(renewal);
    }
  }

  async #fetch({ upstream, repository }: UpstreamRepository, digest: Digest): Promise<CachedBlob> {
    const { descriptors, mediaTypes, cache, policy } = this.#o;
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
        const open = async (offset: number) => inOneChunk(bytes.subarray(offset));
        return fetchWhole(cache, policy(), { digest, size: bytes.length, open }, signal);
      }
    }
    const size = descriptor?.size ?? (await upstream.blobSize(repository, digest, { signal }));
    if (size === undefined) throw new ShoalError('UNAVAILABLE', 503, `${digest}: its registry does not tell its size`);
    const open = async (offset: number) => (await upstream.blob(repository, digest, offset, signal)).chunks;
    return fetchWhole(cache, policy(), { digest, size, open }, signal);
  }
}

const inOneChunk = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
};

/** Consistent metainfo of the blob, whoever vouches for it; undefined for anything else. */
const metainfoOf = (digest: Digest, bytes: Uint8Array): SignedMetainfo | undefined => {
  try {
    const { metainfo } = decodeMetainfo(bytes, sha256);
    // What a signature might say counts for nothing here.
    return metainfo.digest === digest ? { metainfo, signatures: [] } : undefined;
  } catch {
    return undefined;
  }
};
