import type { Digest, PeerId, PieceIndex, SignedTagRecord } from '@shoal/core';
import type { ExchangeEvents } from '@shoal/exchange';
import type { SendResult } from '@shoal/registry';
import { type Log, type Metrics, secondsBuckets } from '@shoal/service';
import { Outages } from './outages.ts';
import type { TagVerdict } from './tags/monotonic.ts';

/** What the gauges read at each scrape. */
export interface AgentGauges {
  readonly cacheBytes: () => number;
  readonly cacheBlobs: () => number;
  readonly downloads: () => number;
  readonly seeds: () => number;
  readonly links: () => number;
}

/** Their outages are one: the next tracker is asked at once when one fails. */
const trackers = 'trackers';

/** Where bytes came from: another agent, an origin in the swarm, or an origin by HTTP. */
export type ByteSource = 'peer' | 'origin' | 'http';

/** The one place where something that happens in the agent becomes a metric and a line of the log. */
export class AgentEvents {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #received;
  readonly #crossZone;
  readonly #resumed;
  readonly #served;
  readonly #corrupt;
  readonly #firstByte;
  readonly #blobSeconds;
  readonly #evictions;
  readonly #requests;
  readonly #tagsStale;
  readonly #tagsRefused;
  readonly #failures;
  readonly #passThroughs;
  readonly #outages = new Outages();

  constructor(metrics: Metrics, log: Log) {
    this.#log = log;
    this.#metrics = metrics;
    this.#received = metrics.counter('received_bytes_total', {
      help: 'Verified bytes of content received, by source.',
      labels: ['source'],
    });
    this.#crossZone = metrics.counter('received_cross_zone_bytes_total', {
      help: 'Of the bytes received over the piece protocol, those from another zone.',
    });
    this.#resumed = metrics.counter('resumed_bytes_total', {
      help: 'Bytes found in the cache when an interrupted download went on.',
    });
    this.#served = metrics.counter('served_bytes_total', {
      help: 'Bytes of content sent, by receiver.',
      labels: ['to'],
    });
    this.#corrupt = metrics.counter('pieces_corrupt_total', { help: 'Pieces that did not match their hash.' });
    this.#firstByte = metrics.histogram('first_byte_seconds', {
      help: 'From a request for a blob to its first byte.',
      buckets: secondsBuckets,
    });
    this.#blobSeconds = metrics.histogram('blob_seconds', {
      help: 'From the start of a download to the complete blob.',
      buckets: secondsBuckets,
    });
    this.#evictions = metrics.counter('cache_evictions_total', { help: 'Blobs evicted from the cache.' });
    this.#requests = metrics.counter('requests_total', {
      help: 'HTTP requests answered.',
      labels: ['method', 'status'],
    });
    this.#tagsStale = metrics.counter('tags_stale_total', {
      help: 'Tags answered from a record because no origin did.',
    });
    this.#tagsRefused = metrics.counter('tags_refused_total', {
      help: 'Tag records refused, by sender and reason.',
      labels: ['from', 'reason'],
    });
    this.#failures = metrics.counter('failures_total', {
      help: 'Requests to others that failed, by kind.',
      labels: ['kind'],
    });
    this.#passThroughs = metrics.counter('pass_throughs_total', { help: 'Requests served past the cache.' });
    for (const source of ['peer', 'origin', 'http']) this.#received.inc({ source }, 0);
    for (const to of ['peer', 'client']) this.#served.inc({ to }, 0);
  }

  watch(gauges: AgentGauges): void {
    this.#metrics.gauge('cache_bytes', { help: 'Bytes of the blobs in the cache.', collect: gauges.cacheBytes });
    this.#metrics.gauge('cache_blobs', { help: 'Blobs in the cache.', collect: gauges.cacheBlobs });
    this.#metrics.gauge('downloads_active', { help: 'Blobs being downloaded.', collect: gauges.downloads });
    this.#metrics.gauge('seeding_blobs', { help: 'Complete blobs served to peers.', collect: gauges.seeds });
    this.#metrics.gauge('links', { help: 'Connections to peers and origins.', collect: gauges.links });
  }

  /** What the exchange reports, in this service's words. */
  exchange(ownZone: string): ExchangeEvents {
    return {
      pieceReceived: (source, bytes, _swarm, zone) => {
        this.received(source === 'agent' ? 'peer' : source, bytes);
        if (ownZone !== '' && zone && zone !== ownZone) this.#crossZone.inc(bytes);
      },
      pieceCorrupt: (peer, piece) => this.pieceCorrupt(peer, piece),
      bytesSent: (_role, bytes) => this.#served.inc({ to: 'peer' }, bytes),
    };
  }

  received(source: ByteSource, bytes: number): void {
    this.#received.inc({ source }, bytes);
  }

  pieceCorrupt(from: PeerId | string, piece: PieceIndex): void {
    this.#corrupt.inc();
    this.#log.warn({ from, piece }, 'a piece did not match its hash and was thrown away');
  }

  blobCorrupt(digest: Digest): void {
    this.#log.error({ digest }, 'the blob does not match its digest and was thrown away');
  }

  requestDone(method: string, status: number): void {
    this.#requests.inc({ method, status: String(status) });
  }

  blobServed(digest: Digest, { bytes, outcome, error }: SendResult): void {
    this.#served.inc({ to: 'client' }, bytes);
    if (outcome === 'failed')
      this.#log.warn({ digest, bytes, reason: (error as Error | undefined)?.message }, 'a body ended short');
  }

  firstByte(seconds: number): void {
    this.#firstByte.observe(seconds);
  }

  downloadStarted(digest: Digest, size: number, resumedBytes: number): void {
    this.#resumed.inc(resumedBytes);
    this.#log.info({ digest, size, resumedBytes }, 'download started');
  }

  downloadDone(digest: Digest, seconds: number, bytes: Readonly<Record<string, number>>): void {
    this.#blobSeconds.observe(seconds);
    this.#log.info({ digest, seconds, ...bytes }, 'download complete');
  }

  downloadEnded(digest: Digest, reason: string): void {
    this.#log.warn({ digest, reason }, 'download ended before it was complete');
  }

  rung(digest: Digest, rung: string): void {
    this.#log.info({ digest, rung }, 'the download changed its way');
  }

  passedThrough(digest: Digest, reason: string): void {
    this.#passThroughs.inc();
    this.#log.warn({ digest, reason }, 'serving past the cache');
  }

  evicted(digest: Digest): void {
    this.#evictions.inc();
    this.#log.info({ digest }, 'evicted');
  }

  cacheDropped(digest: Digest, reason: string): void {
    this.#log.warn({ digest, reason }, 'dropped from the cache');
  }

  cacheVerified(digest: Digest, verifiedBytes: number, rejected: number): void {
    this.#corrupt.inc(rejected);
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

  originFailed(url: string, reason: string): void {
    this.#failures.inc({ kind: 'origin' });
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
    this.#failures.inc({ kind: 'announce' });
    this.#log.debug({ reason, swarms }, 'no tracker took the announce');
  }

  lookupFailed(reason: string): void {
    this.#failures.inc({ kind: 'lookup' });
    this.#log.debug({ reason }, 'no tracker answered the lookup');
  }

  announcedAgain(swarms: number): void {
    this.#log.info({ swarms }, 'announcing everything again');
  }

  tagRefused(repository: string, tag: string, from: 'origin' | 'peer', verdict: TagVerdict | 'unverified'): void {
    this.#tagsRefused.inc({ from, reason: verdict });
    const level = from === 'origin' ? 'error' : 'debug';
    this.#log[level]({ repository, tag, from, verdict }, 'a tag record was refused');
  }

  tagStale(repository: string, tag: string, reason: string): void {
    this.#tagsStale.inc();
    this.#log.warn({ repository, tag, reason }, 'tag answered without an origin');
  }

  tagResolved({ record: { repository, tag, digest, version } }: SignedTagRecord): void {
    this.#log.debug({ repository, tag, digest, version }, 'tag resolved');
  }
}
