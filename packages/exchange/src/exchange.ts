import { type Address, Bitfield, type BlobCut, type Prng, ShoalError, type SwarmId, swarmIdOf } from '@shoal/core';
import { sha256 } from '@shoal/store';
import type { LeechLimits, UploadLimits } from '@shoal/swarm';
import type { Sendfile } from '@shoal/transport/sendfile';
import {
  DataThreads,
  Endpoint,
  type EndpointLimits,
  type Link,
  type Log,
  type NodeIdentity,
  type PieceReader,
  silentLog,
  type SocketFactory,
} from '@shoal/transport';
import { ByteBudget } from './byte-budget.ts';
import { Candidates } from './candidates.ts';
import { Dialer } from './dialer.ts';
import { Dispatcher } from './dispatch.ts';
import { Download } from './download.ts';
import type { DownloadBlob } from './download-blob.ts';
import type { DownloadEvents, ExchangeEvents } from './events.ts';
import { LeechSide } from './leech-side.ts';
import { defaultLimits, type ExchangeLimits } from './limits.ts';
import type { SwarmSide } from './neighbour.ts';
import { type RecordProvider, type RecordQuery, Records } from './records.ts';
import { SeedSide } from './seed-side.ts';
import { type SeedBlob, Seeding } from './seeding.ts';
import { SuperSide } from './super-side.ts';
import { Swarm } from './swarm.ts';
import { Uploads } from './uploads.ts';

export interface ExchangeOptions {
  readonly identity: NodeIdentity;
  /** The cluster secret; without it only peers without one are accepted. */
  readonly secret?: string;
  /** The piece listener. */
  readonly listen: Address;
  /** Threads that receive, verify and store what peers send, beside this one; 0, the default, leaves it to this one. */
  readonly dataThreads?: number;
  readonly limits?: Partial<ExchangeLimits>;
  readonly transportLimits?: Partial<EndpointLimits>;
  readonly uploadLimits?: Partial<UploadLimits>;
  readonly leechLimits?: Partial<LeechLimits>;
  /** Plain TCP by default. */
  readonly sockets?: SocketFactory;
  /** For transfers of blobs that lie in a file. */
  readonly sendfile?: Sendfile | undefined;
  /** Milliseconds of a clock that never goes back. */
  readonly clock?: () => number;
  readonly prng?: Prng;
  readonly log?: Log;
  readonly events?: ExchangeEvents;
  readonly records?: RecordProvider;
  /** Asked when a peer joins a swarm that is not open; it may `seed` the blob before it resolves. */
  readonly resolve?: (swarm: SwarmId) => Promise<void>;
}

export interface SeedOptions {
  /** This origin's place among the `originCount` that own the blob. */
  readonly originIndex?: number;
  readonly originCount?: number;
  /** The blob is still being received: only what Seeding.grown names is served, and its hashes are told to neighbours. */
  readonly growing?: boolean;
}

export interface ExchangeStats {
  readonly links: number;
  readonly swarms: number;
  readonly downloads: number;
  readonly uploadsRunning: number;
  readonly uploadsWaiting: number;
  /** Messages of the control connections that came since the start. */
  readonly messagesReceived: number;
}

/** A swarm of mine and how many Downloads and Seedings hold it. */
interface Presence {
  readonly swarm: Swarm;
  readonly download: Download | undefined;
  holders: number;
}

/** A node's part in all its swarms: one piece listener, its links, downloads, seedings and records. One a process. */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #limits: ExchangeLimits;
  readonly #clock: () => number;
  readonly #prng: Prng;
  readonly #events: ExchangeEvents;
  readonly #presences = new Map<SwarmId, Presence>();
  readonly #swarms = new Map<SwarmId, Swarm>();
  readonly #budget: ByteBudget;
  readonly #uploads: Uploads;
  readonly #records: Records;
  readonly #dispatcher: Dispatcher;
  readonly #dialer: Dialer;
  readonly #threads: DataThreads | undefined;
  #endpoint: Endpoint | undefined;
  #ticker: NodeJS.Timeout | undefined;
  #nextHandle = 1;
  #closed: Promise<void> | undefined;

  private constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options.limits };
    this.#clock = options.clock ?? (() => performance.now());
    this.#prng = options.prng ?? Math.random;
    this.#events = options.events ?? {};
    const { dataThreads: count = 0, log = silentLog } = options;
    this.#threads = count > 0 ? new DataThreads({ count, entry: threadEntry, log }) : undefined;
    const [limits, clock, events] = [this.#limits, this.#clock, this.#events];
    this.#budget = new ByteBudget(limits.privateBytesMax);
    const activeMax = options.identity.role === 'origin' ? { activeMax: originTransfersMax } : {};
    // A node that knows its limit need not probe for it.
    const egressMax = options.transportLimits?.uploadBytesPerSecondMax || undefined;
    const uploadLimits = { ...activeMax, ...(egressMax && { egressMax }), ...options.uploadLimits };
    const saturated = (): boolean => this.#endpoint?.uploadSaturated ?? false;
    this.#uploads = new Uploads({ limits, events, clock, uploadLimits, saturated });
    this.#records = new Records(limits, options.records);
    this.#dispatcher = new Dispatcher({
      swarms: this.#swarms,
      uploads: this.#uploads,
      records: this.#records,
      resolve: options.resolve,
      events,
      zone: options.identity.zone,
      limits,
      clock,
    });
    this.#dialer = new Dialer({
      limits,
      clock,
      dial: (address, dialOptions) => this.#listening().dial(address, dialOptions),
    });
  }

  /** @throws the listener's error, such as EADDRINUSE */
  static async start(options: ExchangeOptions): Promise<Exchange> {
    const exchange = new Exchange(options);
    const { identity, listen, secret, transportLimits, log, clock, sockets, sendfile } = options;
    exchange.#endpoint = await Endpoint.listen({
      identity,
      listen,
      handler: exchange.#dispatcher,
      dataDialer: exchange.#threads,
      ...(secret !== undefined && { secret }),
      ...(transportLimits && { limits: transportLimits }),
      ...(clock && { clock }),
      ...(log && { log }),
      ...(sockets && { sockets }),
      sendfile,
    });
    exchange.#ticker = setInterval(() => exchange.#tick(), exchange.#limits.sourcelessMs).unref();
    return exchange;
  }

  /** Where the piece listener is bound. */
  get address(): Address {
    return this.#listening().address;
  }

  /** As given, with the advertised address filled in. */
  get identity(): NodeIdentity {
    return this.#listening().identity;
  }

  /**
   * Serves a blob: `peer` answers requests, `super` also chooses what enters the swarm next (origins, and
   * who stands in for one). A complete download
   * of the same blob is taken over without leaving the swarm, and what is served from then on is read from `blob`.
   * @throws ShoalError SWARM_BUSY while it is still downloading
   */
  seed(blob: SeedBlob, mode: 'peer' | 'super', options: SeedOptions = {}): Seeding {
    this.#assertOpen();
    const known = this.#presences.get(idOf(blob.metainfo));
    if (known?.download && !known.download.complete) throw busy('it is being downloaded', blob.metainfo);
    if (known) {
      known.swarm.reader = blob;
      return this.#hold(known);
    }
    const have = blob.have ?? Bitfield.full(blob.metainfo.pieceHashes.length);
    const presence = this.#enter(mode, blob.metainfo, blob, undefined, (swarm) =>
      mode === 'peer'
        ? new SeedSide(swarm, have)
        : new SuperSide(swarm, { uploads: this.#uploads, prng: this.#prng, clock: this.#clock, ...options }),
    );
    presence.holders = 0;
    return this.#hold(presence);
  }

  /** Fetches what is missing of a blob and serves what is there. @throws ShoalError SWARM_BUSY when the blob has a swarm here already */
  download(blob: DownloadBlob, { on = {} }: { on?: DownloadEvents } = {}): Download {
    this.#assertOpen();
    const { metainfo } = blob;
    if (this.#presences.has(idOf(metainfo))) throw busy('it is downloaded or seeded already', metainfo);
    const download = new Download(on);
    const file = this.#threads ? blob.retain?.() : undefined;
    const shared = { budget: this.#budget, uploads: this.#uploads, prng: this.#prng, clock: this.#clock };
    let side: LeechSide | undefined;
    const presence = this.#enter('peer', metainfo, blob, download, (swarm) => {
      side = new LeechSide(swarm, {
        ...shared,
        sink: blob,
        growing: blob.growing,
        routes: this.#threads !== undefined,
        hooks: download,
        limits: { bytesPerSecondMax: this.#limits.blobDownloadBytesPerSecondMax, ...this.#options.leechLimits },
      });
      return side;
    });
    const { swarm } = presence;
    const candidates = new Candidates({
      limits: this.#limits,
      clock: this.#clock,
      connect: (address) => this.connect(address),
      join: (link) => this.#join(swarm, link),
    });
    const release = async (): Promise<void> => {
      const released = this.#release(presence);
      file?.[Symbol.dispose]();
      await released;
    };
    const self = this.identity.peerId;
    const ended = (): void => {
      if (download.complete) file?.[Symbol.dispose]();
      this.#share();
    };
    const limit = this.#listening().downloadLimit;
    if (side) download.attach({ swarm, side, candidates, events: this.#events, self, limit, release, ended });
    this.#share();
    if (blob.have.complete) queueMicrotask(() => download.completed());
    return download;
  }

  /** A link to whoever listens there, new or standing. @throws DialError, DialBackoffError */
  connect(address: Address): Promise<Link> {
    this.#assertOpen();
    return this.#dialer.connect(address);
  }

  /** Asks a peer for signed metainfo, a tag record or a small blob. Undefined: it has none or does not answer in time. */
  askRecord(link: Link, query: RecordQuery, timeoutMs: number): Promise<Uint8Array | undefined> {
    const peer = this.#dispatcher.peers.get(link.id);
    return peer ? this.#records.ask(peer, query, timeoutMs) : Promise.resolve(undefined);
  }

  links(): Iterable<Link> {
    return this.#listening().links();
  }

  stats(): ExchangeStats {
    return {
      links: this.#dispatcher.peers.size,
      swarms: this.#swarms.size,
      downloads: this.#downloading().length,
      uploadsRunning: this.#uploads.active,
      uploadsWaiting: this.#uploads.queueLength,
      messagesReceived: this.#dispatcher.messagesReceived,
    };
  }

  /** Refuses new requests, lets running uploads end (at most `closeTimeoutMs`), leaves all swarms and closes the links. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    clearInterval(this.#ticker);
    this.#uploads.drain();
    await this.#uploads.idle(undefined, this.#limits.closeTimeoutMs);
    await this.#flush();
    await Promise.all(
      [...this.#presences.values()].map((presence) => {
        void presence.download?.stop();
        return this.#leave(presence.swarm);
      }),
    );
    this.#dialer.close();
    await this.#endpoint?.close();
    await this.#threads?.close();
    this.#uploads.close();
  }

  /** Control and data are two connections: a LEAVE sent now would reach peers before the last pieces do. */
  async #flush(): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const deadline = setTimeout(resolve, this.#limits.flushTimeoutMs);
    const flushed = [...(this.#endpoint?.links() ?? [])].map((link) => link.finishUplink());
    await Promise.race([Promise.all(flushed), late]);
    clearTimeout(deadline);
  }

  #enter(
    mode: 'peer' | 'super',
    metainfo: BlobCut,
    reader: PieceReader,
    download: Download | undefined,
    side: (swarm: Swarm) => SwarmSide,
  ): Presence {
    const { swarmsPerLinkMax } = this.#limits;
    // Whoever a super-seed refuses has to fetch by HTTP, or not at all: its bound is that of its links.
    const neighboursMax = mode === 'super' ? Infinity : this.#limits.neighboursMax;
    const swarm = new Swarm(
      {
        metainfo,
        reader,
        handle: this.#nextHandle++,
        uploads: this.#uploads,
        neighboursMax,
        swarmsPerLinkMax,
        uploadBytesPerSecondMax: this.#limits.blobUploadBytesPerSecondMax,
        clock: this.#clock,
      },
      side,
    );
    const presence: Presence = { swarm, download, holders: 1 };
    this.#presences.set(swarm.id, presence);
    this.#swarms.set(swarm.id, swarm);
    this.#uploads.add(swarm);
    return presence;
  }

  #downloading(): Download[] {
    const under: Download[] = [];
    for (const { download } of this.#presences.values()) {
      if (download?.running && !download.complete) under.push(download);
    }
    return under;
  }

  /** One link carries all downloads: each may have the less out the more there are. */
  #share(): void {
    if (this.#closed) return;
    const downloads = this.#downloading();
    for (const download of downloads) download.share(downloads.length);
  }

  #hold(presence: Presence): Seeding {
    presence.holders++;
    return new Seeding(presence.swarm, () => this.#release(presence));
  }

  async #release(presence: Presence): Promise<void> {
    presence.holders--;
    if (presence.holders === 0) await this.#leave(presence.swarm);
  }

  async #leave(swarm: Swarm): Promise<void> {
    if (this.#swarms.get(swarm.id) !== swarm) return;
    this.#presences.delete(swarm.id);
    this.#swarms.delete(swarm.id);
    this.#uploads.rejectAll(swarm);
    swarm.stop();
    await this.#uploads.idle(swarm, this.#limits.closeTimeoutMs);
  }

  #join(swarm: Swarm, link: Link): boolean {
    const peer = this.#dispatcher.peers.get(link.id);
    return peer !== undefined && swarm.join(peer) !== undefined;
  }

  #tick(): void {
    const unansweredMs = this.#clock() - this.#limits.joinTimeoutMs;
    for (const swarm of [...this.#swarms.values()]) swarm.leaveUnanswered(unansweredMs);
    for (const { download } of this.#presences.values()) download?.checkSources();
    this.#dispatcher.retryData();
    this.#dispatcher.closeIdle();
  }

  #listening(): Endpoint {
    if (!this.#endpoint) throw new ShoalError('CLOSING', 503, 'the exchange is not listening');
    return this.#endpoint;
  }

  #assertOpen(): void {
    if (this.#closed) throw new ShoalError('CLOSING', 503, 'the exchange is closing');
  }
}

/** What a data thread runs. */
const threadEntry = new URL('data-thread.ts', import.meta.url);

/** Enough for an origin to keep agents of a sixteenth of its rate busy. Source: shared/design/swarm.md, "Upload slots". */
const originTransfersMax = 64;

const idOf = ({ digest, leafAlgorithm, pieceLength }: BlobCut): SwarmId =>
  swarmIdOf(digest, leafAlgorithm, pieceLength, sha256);

const busy = (why: string, { digest }: BlobCut): ShoalError =>
  new ShoalError('SWARM_BUSY', 409, `blob ${digest}: ${why}`);
