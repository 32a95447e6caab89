import type { Digest, PeerId, PieceIndex, SignedTagRecord } from '@shoal/core';
import type { ExchangeEvents } from '@shoal/exchange';
import type { SendResult } from '@shoal/registry';
import { type Log, sizeClassOf, Tally } from '@shoal/service';
import type { UpstreamSetEvents } from '@shoal/upstreams';
import type { AgentMetrics } from './metrics.ts';
import { Outages } from './outages.ts';
import type { AccessOutcome } from './access/gate.ts';
import type { TagVerdict } from './tags/monotonic.ts';

/** Their outages are one: the next tracker is asked at once when one fails. */
const trackers = 'trackers';

/** Where bytes came from: another agent, an origin in the swarm, or an origin by HTTP. */
export type ByteSource = 'peer' | 'origin' | 'http';

/** Where a blob is that a client begins to read. */
export type BlobPlace = 'cache' | 'download' | 'rehash' | 'past_cache';

/** `corrupt` and `full`: what is in the cache is of no use. */
export type DownloadFailure = 'corrupt' | 'full' | 'abandoned' | 'error';

/** The one place where something that happens in the agent becomes a metric and a line of the log. */
export class AgentEvents {
  readonly #log: Log;
  readonly #m: AgentMetrics['made'];
  readonly #outages = new Outages();
  readonly #received: Readonly<Record<ByteSource, Tally>>;
  readonly #servedPeers: Tally;

  constructor(metrics: AgentMetrics, log: Log) {
    this.#log = log;
    this.#m = metrics.made;
    const { received, served } = this.#m;
    const from = (source: ByteSource): Tally => new Tally(received, { source });
    this.#received = { peer: from('peer'), origin: from('origin'), http: from('http') };
    this.#servedPeers = new Tally(served, { to: 'peer' });
  }

  /** What the exchange reports, in this service's words. */
  exchange(ownZone: string): ExchangeEvents {
    return {
      pieceReceived: (source, bytes, _swarm, zone) => {
        this.received(source === 'agent' ? 'peer' : source, bytes);
        if (ownZone !== '' && zone && zone !== ownZone) this.#m.crossZone.inc(bytes);
      },
      pieceCorrupt: (peer, piece) => this.pieceCorrupt(peer, piece),
      bytesSent: (_role, bytes) => this.#servedPeers.add(bytes),
      bytesDiscarded: (bytes) => this.#m.discarded.inc(bytes),
      requestRejected: (reason) => this.#m.piecesRefused.inc({ reason }),
    };
  }

  received(source: ByteSource, bytes: number): void {
    this.#received[source].add(bytes);
  }

  pieceCorrupt(from: PeerId | string, piece: PieceIndex): void {
    this.#m.corrupt.inc();
    this.#log.warn({ from, piece }, 'a piece did not match its hash and was thrown away');
  }

  blobCorrupt(digest: Digest): void {
    this.#log.error({ digest }, 'the blob does not match its digest and was thrown away');
  }

  requestDone(method: string, status: number): void {
    this.#m.requests.inc({ method, status: String(status) });
  }

  blobServed(digest: Digest, { bytes, outcome, error }: SendResult): void {
    this.#m.served.inc({ to: 'client' }, bytes);
    if (outcome === 'failed')
      this.#log.warn({ digest, bytes, reason: (error as Error | undefined)?.message }, 'a body ended short');
  }

  cachePurged(digest: Digest, bytes: number): void {
    this.#m.purged.inc();
    this.#m.purgedBytes.inc(bytes);
    this.#log.info({ digest, bytes }, 'blob dropped from the cache, as was asked');
  }

  cachePinned(digests: readonly Digest[], pinned: boolean): void {
    this.#log.info({ digests }, pinned ? 'blobs pinned' : 'blobs are no longer pinned');
  }

  blobOpened(from: BlobPlace): void {
    this.#m.opens.inc({ from });
  }

  firstByte(seconds: number, size: number): void {
    this.#m.firstByte.observe({ size: sizeClassOf(size) }, seconds);
  }

  downloadStarted(digest: Digest, size: number, resumedBytes: number): void {
    this.#m.resumed.inc(resumedBytes);
    this.#log.info({ digest, size, resumedBytes }, 'download started');
  }

  downloadDone(digest: Digest, seconds: number, size: number, bytes: Readonly<Record<string, number>>): void {
    this.#blobComplete(seconds, size);
    this.#log.info({ digest, seconds, ...bytes }, 'download complete');
  }

  /** Content that travels whole and joins no swarm. */
  smallFetched(digest: Digest, seconds: number, size: number): void {
    this.#blobComplete(seconds, size);
    this.#log.debug({ digest, seconds }, 'small content fetched');
  }

  #blobComplete(seconds: number, size: number): void {
    this.#m.blobSeconds.observe({ size: sizeClassOf(size) }, seconds);
    this.#m.downloads.inc({ outcome: 'complete' });
  }

  downloadEnded(digest: Digest, outcome: DownloadFailure, reason: string): void {
    this.#m.downloads.inc({ outcome });
    this.#log.warn({ digest, reason }, 'download ended before it was complete');
  }

  rung(digest: Digest, rung: string): void {
    this.#log.info({ digest, rung }, 'the download changed its way');
  }

  passedThrough(digest: Digest, reason: string): void {
    this.#m.passThroughs.inc();
    this.#log.warn({ digest, reason }, 'serving past the cache');
  }

  evicted(digest: Digest, bytes: number): void {
    this.#m.evictions.inc();
    this.#m.evictedBytes.inc(bytes);
    this.#log.info({ digest }, 'evicted');
  }

  cacheDropped(digest: Digest, reason: string): void {
    this.#log.warn({ digest, reason }, 'dropped from the cache');
  }

  cacheVerified(digest: Digest, verifiedBytes: number, rejected: number): void {
    this.#m.corrupt.inc(rejected);
    this.#log.info({ digest, verifiedBytes, rejected }, 'pieces hashed again after an unclean stop');
  }

  restoreFailed(digest: Digest, reason: string): void {
    this.#log.warn({ digest, reason }, 'a cached blob could not be announced again');
  }

  recordNotKept(reason: string): void {
    if (this.#outages.began('records')) this.#log.warn({ reason }, 'records are kept in memory only');
  }

  recordKept(): void {
    if (this.#outages.ended('records')) this.#log.info({}, 'records are kept on disk again');
  }

  clusterLearned(origin: string, keys: number): void {
    this.#log.info({ origin, keys }, 'learned the facts of the cluster');
  }

  directFetch(digest: Digest, outcome: 'stored' | 'failed', reason?: string): void {
    this.#m.direct.inc({ outcome });
    if (outcome === 'stored') this.#log.warn({ digest }, 'fetched from its own registry: no origin answers');
    else this.#log.warn({ digest, reason }, 'could not be fetched from its own registry either');
  }

  /** What other registries are asked while no origin answers. */
  upstreams(): UpstreamSetEvents {
    return {
      known: () => undefined,
      rateLimit: () => undefined,
      answered: (upstream, method, kind, status) =>
        this.#m.upstreamRequests.inc({ upstream, method, kind, status: String(status) }),
    };
  }

  originFailed(url: string, reason: string): void {
    this.#m.failures.inc({ kind: 'origin' });
    this.#log[this.#outages.began(url) ? 'warn' : 'debug']({ origin: url, reason }, 'an origin did not answer');
  }

  originAnswered(url: string): void {
    if (this.#outages.ended(url)) this.#log.info({ origin: url }, 'an origin answers again');
  }

  trackersFailed(reason: string): void {
    this.#log[this.#outages.began(trackers) ? 'warn' : 'debug']({ reason }, 'no tracker answers');
  }

  trackersAnswered(): void {
    if (this.#outages.ended(trackers)) this.#log.info({}, 'a tracker answers again');
  }

  announceFailed(reason: string, swarms: number): void {
    this.#m.failures.inc({ kind: 'announce' });
    this.#log.debug({ reason, swarms }, 'no tracker took the announce');
  }

  lookupFailed(reason: string): void {
    this.#m.failures.inc({ kind: 'lookup' });
    this.#log.debug({ reason }, 'no tracker answered the lookup');
  }

  announcedAgain(swarms: number): void {
    this.#log.info({ swarms }, 'announcing everything again');
  }

  tagRefused(repository: string, tag: string, from: 'origin' | 'peer', verdict: TagVerdict | 'unverified'): void {
    this.#m.tagsRefused.inc({ from, reason: verdict });
    const level = from === 'origin' ? 'error' : 'debug';
    this.#log[level]({ repository, tag, from, verdict }, 'a tag record was refused');
  }

  tagStale(repository: string, tag: string, reason: string): void {
    this.#m.tagsStale.inc();
    this.#log.warn({ repository, tag, reason }, 'tag answered without an origin');
  }

  referrersStale(repository: string, subject: string, reason: string): void {
    this.#m.referrersStale.inc();
    this.#log.warn({ repository, subject, reason }, 'referrers answered without an origin');
  }

  referrersRefused(repository: string, subject: string, from: 'origin' | 'peer'): void {
    const level = from === 'origin' ? 'error' : 'debug';
    this.#log[level]({ repository, subject, from }, 'a record of referrers was refused');
  }

  accessChecked(outcome: AccessOutcome): void {
    this.#m.accessChecks.inc({ outcome });
  }

  tagResolved({ record: { repository, tag, digest, version } }: SignedTagRecord): void {
    this.#log.debug({ repository, tag, digest, version }, 'tag resolved');
  }
}
