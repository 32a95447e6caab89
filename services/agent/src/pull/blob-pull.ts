import {
  type Digest,
  InvalidValueError,
  parseAddress,
  type Prng,
  ShoalError,
  type SignedMetainfo,
  type SwarmId,
  swarmIdOf,
} from '@shoal/core';
import type { Download, DownloadStats, Exchange } from '@shoal/exchange';
import type { AnnounceResponse, PeerEntry } from '@shoal/protocol';
import type { BlobSource } from '@shoal/registry';
import { type CachedBlob, sha256 } from '@shoal/store';
import type { AgentEvents, DownloadFailure } from '../events.ts';
import type { Origins } from '../origin/origins.ts';
import type { Announcer } from '../tracker/announcer.ts';
import type { FoundMetainfo } from '../metainfo/metainfo-source.ts';
import { BlobReader } from './blob-reader.ts';
import { Confirmation } from './confirmation.ts';
import type { FirstByteDeadline } from './deadline.ts';
import { wantsFirstPiece } from './first-piece.ts';
import { HttpFallback } from './http-fallback.ts';
import { decideRung, type Rung } from './ladder.ts';
import { OriginEntry, type OriginReach } from './origin-entry.ts';
import { ReaderSet } from './reader-set.ts';
import { matchesDigest } from './whole-digest.ts';

/** What all pulls of a node share. */
export interface PullContext {
  readonly exchange: Pick<Exchange, 'download'>;
  readonly announcer: Pick<Announcer, 'join' | 'tell' | 'leave' | 'trackersAnswer'>;
  readonly origins: Origins;
  /** Piece addresses of the origins, `host:port`. */
  readonly originAddresses: (reach: OriginReach) => readonly string[];
  readonly events: AgentEvents;
  readonly clock: () => number;
  readonly prng: Prng;
  readonly fallbackMs: number;
  /** Of one blob; 0 is without limit. */
  readonly bytesPerSecondMax: number;
  readonly firstByteMs: number;
  readonly verifyWhole: boolean;
}

/** What a pull needs besides when its blob is cold. */
export interface ColdContext {
  readonly askMetainfo: () => Promise<FoundMetainfo>;
  readonly confirm: (signed: SignedMetainfo) => void;
  /** Who tells the hashes while no origin does. */
  readonly teller?: Teller | undefined;
}

/** An agent that receives a blob from the blob's own registry. */
export type Teller = Pick<PeerEntry, 'peerId' | 'address'>;

export interface PullEnd {
  /** The blob is whole and verified; it is still in its swarm. */
  complete(pull: BlobPull): void;
  failed(pull: BlobPull, why: DownloadFailure): void;
}

type Gateway = AnnounceResponse['swarms'][number]['gateway'];

const stepMs = 200;
const progressMs = 10_000;
/** Neighbours beyond which the tracker is asked for no more. */
const neighboursEnough = 20;
const peersWanted = 10;
/** A download that gets nothing and that nobody reads is given up after this long; its pieces stay in the cache. */
const abandonedMs = 30_000;

/** One blob on its way into the cache: many readers, one download, whatever rung of the ladder it comes by. */
export class BlobPull {
  readonly blob: CachedBlob;
  readonly swarm: SwarmId;
  readonly startedMs: number;
  readonly readers: ReaderSet;
  readonly #context: PullContext & ColdContext;
  readonly #end: PullEnd;
  readonly #download: Download;
  /** Of a cold blob. */
  readonly #confirmation: Confirmation | undefined;
  readonly #http: HttpFallback;
  readonly #originEntry: OriginEntry;
  readonly #retained: Disposable;
  readonly #timer: NodeJS.Timeout;
  readonly #stopping = new AbortController();
  /** See LadderState. */
  readonly #lot: number;
  #rung: Rung = 'swarm';
  #swarmProgressMs: number;
  #noSourcesSinceMs: number | undefined;
  #wantedMs: number;
  #toldMs: number;
  #ended = false;

  constructor(context: PullContext & ColdContext, blob: CachedBlob, repository: string, end: PullEnd) {
    const { exchange, clock, origins, events, announcer } = context;
    const { metainfo } = blob;
    const nowMs = clock();
    this.blob = blob;
    this.swarm = swarmIdOf(blob.digest, metainfo.leafAlgorithm, blob.pieceLength, sha256);
    this.startedMs = this.#swarmProgressMs = this.#wantedMs = this.#toldMs = nowMs;
    this.#context = context;
    this.#lot = context.prng();
    this.#end = end;
    this.#retained = blob.retain();
    this.readers = new ReaderSet({
      have: blob.have,
      withheld: context.verifyWhole || blob.growing ? blob.have.length - 1 : undefined,
      changed: () => this.#readersChanged(),
    });
    this.#confirmation = blob.growing && this.#confirming();
    this.#download = exchange.download(blob, { on: this.#downloadEvents() });
    const failed = (error: unknown): void => this.#fail(error);
    const fallback = { download: this.#download, origins, metainfo, repository, clock, events, failed };
    this.#http = new HttpFallback({ ...fallback, lot: this.#lot });
    this.#originEntry = new OriginEntry({
      trackersAnswer: announcer.trackersAnswer,
      enter: (reach) => this.#meetOrigins(reach),
    });
    if (context.teller) this.#download.addTeller(context.teller);
    // Only an origin tells the hashes of a cold blob.
    if (blob.growing) this.#originEntry.far();
    announcer.join({
      swarm: this.swarm,
      digest: blob.digest,
      status: () => this.status(),
      peers: (entries, gateway) => this.#addPeers(entries, gateway),
      unanswered: () => this.#originEntry.unanswered(),
    });
    this.#timer = setInterval(() => this.#step(), stepMs);
    this.#timer.unref();
  }

  get digest(): Digest {
    return this.blob.digest;
  }

  get rung(): Rung {
    return this.#rung;
  }

  status(): { have: number; pieces: number; degree: number; want: number } {
    const { degree } = this.#download;
    const want = Math.max(0, Math.min(peersWanted, neighboursEnough - degree));
    return { have: this.blob.have.count, pieces: this.blob.have.length, degree, want };
  }

  open(deadline: FirstByteDeadline, firstByte: (size: number) => void): BlobSource {
    this.#wantedMs = this.#context.clock();
    return new BlobReader({ blob: this.blob, readers: this.readers, deadline, firstByte });
  }

  /** Who is connected in the swarm. */
  neighbours(): ReturnType<Download['neighbours']> {
    return this.#download.neighbours();
  }

  get stats(): Readonly<DownloadStats> {
    return this.#download.stats;
  }

  /** Bytes by source, for the log. */
  get bytes(): { peers: number; origins: number; http: number } {
    const { bytesFromPeers, bytesFromOrigins, bytesFromHttp } = this.#download.stats;
    return { peers: bytesFromPeers, origins: bytesFromOrigins, http: bytesFromHttp };
  }

  /** Leaves the swarm, unless a Seeding has taken it over by now. Who still reads hears `reason`. */
  async stop(reason: Error): Promise<void> {
    this.#halt();
    this.#stopping.abort(reason);
    this.readers.fail(reason);
    await this.#download.stop();
    this.#retained[Symbol.dispose]();
  }

  #downloadEvents(): Download['on'] {
    return {
      piece: (_index, source) => {
        if (source !== 'http') this.#swarmProgressMs = this.#context.clock();
        this.readers.wake();
        this.#helpFirstByte();
      },
      complete: () => void this.#complete(),
      starved: () => {
        this.#originEntry.now();
        this.#context.announcer.tell(this.swarm, 'starved');
      },
      noSources: () => {
        this.#originEntry.now();
        this.#step();
      },
      failed: (error) => this.#fail(error),
      hashesKnown: () => this.#confirmation?.hashesKnown(this.#context.clock()),
      purged: () =>
        this.#corrupt(new ShoalError('UNAVAILABLE', 503, `${this.digest}: the bytes received have another digest`)),
    };
  }

  #confirming(): Confirmation {
    const { askMetainfo, confirm, clock, verifyWhole } = this.#context;
    return new Confirmation(
      {
        blob: this.blob,
        ask: askMetainfo,
        keep: (signed) => {
          confirm(signed);
          this.#download.learn(signed.metainfo.pieceHashes);
        },
        confirmed: () => {
          if (!verifyWhole) this.readers.release();
          if (this.#download.complete) void this.#complete();
        },
        refused: (reason) => this.#corrupt(reason),
      },
      clock(),
    );
  }

  #corrupt(reason: Error): void {
    this.#context.events.blobCorrupt(this.digest);
    this.#finish('corrupt', reason);
  }

  #addPeers(entries: readonly PeerEntry[], gateway: Gateway): void {
    this.#download.setGateway(gateway ?? undefined);
    for (const entry of entries) {
      try {
        this.#download.addPeer(entry);
      } catch (error) {
        // One address that nobody can dial must not cost the others.
        if (!(error instanceof InvalidValueError)) throw error;
      }
    }
    this.#originEntry.peers(entries, gateway === undefined ? undefined : gateway !== null);
  }

  #meetOrigins(reach: OriginReach): void {
    for (const address of this.#context.originAddresses(reach)) this.#download.addOrigin(parseAddress(address));
  }

  #readersChanged(): void {
    if (!this.#ended) this.#download.setReaders(this.readers.cursors());
  }

  #helpFirstByte(): void {
    const { clock, firstByteMs } = this.#context;
    if (!this.readers.unbegun) return;
    const state = { waitedMs: clock() - this.#wantedMs, ...this.status() };
    // A piece from afar for every node of a zone is what its gateways are there to spare.
    if (this.#originEntry.sheltered) state.degree = Infinity;
    if (!this.#ended && wantsFirstPiece(state, firstByteMs)) this.#http.fetchOne();
  }

  #step(): void {
    if (this.#ended) return;
    this.#helpFirstByte();
    const { clock, fallbackMs, bytesPerSecondMax, announcer, events } = this.#context;
    const nowMs = clock();
    // Not the swarm's fault: what is fetched by HTTP instead would wait for the same limit.
    if (this.#download.limited) this.#swarmProgressMs = nowMs;
    this.#confirmation?.step(this.#download.hearsHashes, nowMs);
    // Where bytes enter the zone through others, neighbours without a piece are no reason to fetch it from afar.
    const { sheltered, waiting } = this.#originEntry;
    const noSources = !waiting && this.#download.noSources && !(sheltered && this.#download.degree > 0);
    this.#noSourcesSinceMs = noSources ? (this.#noSourcesSinceMs ?? nowMs) : undefined;
    const rung = decideRung(
      {
        nowMs,
        swarmProgressMs: this.#swarmProgressMs,
        noSourcesSinceMs: this.#noSourcesSinceMs,
        httpFailedMs: this.#http.failedMs,
        httpBusyUntilMs: this.#http.busyUntilMs,
        degree: this.#download.degree,
        lot: this.#lot,
      },
      { fallbackMs, pieceLength: this.blob.pieceLength, bytesPerSecondMax },
    );
    if (rung !== this.#rung) events.rung(this.digest, rung);
    if (rung !== 'swarm') this.#originEntry.far();
    this.#rung = rung;
    this.#http.mode = rung === 'http-any' ? 'any' : rung === 'http-missing' ? 'missing' : 'off';
    if (rung === 'exhausted') this.#exhausted(nowMs);
    if (nowMs - this.#toldMs >= progressMs) {
      this.#toldMs = nowMs;
      announcer.tell(this.swarm, 'progress');
    }
  }

  /** Who has not got a byte yet had better go elsewhere; who is in the middle may wait for the sources to come back. */
  #exhausted(nowMs: number): void {
    const reason = new ShoalError('UNAVAILABLE', 503, `${this.digest}: no peer and no origin delivers it`);
    this.readers.fail(reason, 'unbegun');
    if (this.readers.size > 0) this.#wantedMs = nowMs;
    if (nowMs - this.#wantedMs >= abandonedMs) this.#finish('abandoned', reason);
  }

  async #complete(): Promise<void> {
    // Of a cold blob all pieces are here, and an origin has still to sign what they are.
    if (this.blob.growing || this.#ended) return;
    this.#halt();
    try {
      if (this.#context.verifyWhole && !(await matchesDigest(this.blob, this.#stopping.signal))) {
        this.#context.events.blobCorrupt(this.digest);
        return this.#finish('corrupt', new ShoalError('UNAVAILABLE', 503, `${this.digest} does not match its digest`));
      }
      await this.blob.finish();
    } catch (error) {
      return this.#fail(error);
    }
    this.readers.release();
    this.#end.complete(this);
  }

  #fail(error: unknown): void {
    const full = error instanceof ShoalError && error.code === 'STORE_FULL';
    this.#finish(full ? 'full' : 'error', error instanceof Error ? error : new Error(String(error)));
  }

  #finish(why: DownloadFailure, reason: Error): void {
    if (this.#stopping.signal.aborted) return;
    this.#context.events.downloadEnded(this.digest, why, reason.message);
    this.#context.announcer.leave(this.swarm);
    void this.stop(reason);
    this.#end.failed(this, why);
  }

  #halt(): void {
    this.#ended = true;
    this.#confirmation?.stop();
    clearInterval(this.#timer);
    this.#originEntry.stop();
    this.#http.stop();
  }
}
