import type { Address, PeerId, PieceIndex, SwarmId } from '@shoal/core';
import { formatAddress, parseAddress } from '@shoal/core';
import type { PeerEntry } from '@shoal/protocol';
import type { GatewayPlace } from '@shoal/swarm';
import type { Endpoint, NodeIdentity } from '@shoal/transport';
import type { Candidates } from './candidates.ts';
import type { DownloadEvents, ExchangeEvents } from './events.ts';
import type { LeechHooks } from './leech-hooks.ts';
import type { LeechSide } from './leech-side.ts';
import type { LeftReason, Neighbour } from './neighbour.ts';
import type { Swarm } from './swarm.ts';

/** What a download has moved so far, in bytes and pieces. */
export interface DownloadStats {
  bytesFromPeers: number;
  bytesFromOrigins: number;
  bytesFromHttp: number;
  /** Second copies, late bytes after a cancel, and what was never asked for. */
  bytesDiscarded: number;
  piecesCorrupt: number;
}

export interface DownloadParts {
  readonly swarm: Swarm;
  readonly side: LeechSide;
  readonly candidates: Candidates;
  readonly events: ExchangeEvents;
  readonly self: PeerId;
  /** Of all that the node downloads. */
  readonly limit: Endpoint['downloadLimit'];
  /** Leaves the swarm unless a Seeding has taken it over. */
  release(): Promise<void>;
  /** It is complete or stopped, and what it had out is for others. */
  ended(): void;
}

/** One blob on its way to this node. It serves what it has, and goes on serving when it is complete, until stop(). */
export class Download implements LeechHooks {
  /** Who listens to this download; may be set at any time. Called in the turn of the event. */
  on: DownloadEvents;
  readonly stats: DownloadStats = {
    bytesFromPeers: 0,
    bytesFromOrigins: 0,
    bytesFromHttp: 0,
    bytesDiscarded: 0,
    piecesCorrupt: 0,
  };
  #parts: DownloadParts | undefined;
  #sourceless = 0;
  /** Addresses that the caller vouches for: origins there are believed what a growing blob's hashes are. */
  readonly #origins = new Set<string>();
  /** Peers that are believed what these hashes are, because the caller verifies the digest itself. */
  readonly #tellers = new Set<PeerId>();

  constructor(on: DownloadEvents) {
    this.on = on;
  }

  /** Completes the construction: the leech reports to the download that owns it. */
  attach(parts: DownloadParts): void {
    this.#parts = parts;
  }

  get swarmId(): SwarmId | undefined {
    return this.#parts?.swarm.id;
  }

  /** False after stop(). */
  get running(): boolean {
    return this.#parts !== undefined;
  }

  get complete(): boolean {
    return this.#parts?.side.complete ?? false;
  }

  /** Neighbours in the swarm: what announces carry. */
  get degree(): number {
    return this.#parts?.swarm.degree ?? 0;
  }

  /** What neighbours send waits for the limit of the node. */
  get limited(): boolean {
    return this.#parts?.limit?.saturated ?? false;
  }

  /** The neighbours themselves. */
  neighbours(): Iterable<NodeIdentity> {
    return this.#parts?.swarm.joined() ?? [];
  }

  /** Something is missing that no neighbour could give, and no dial is under way that might change it. */
  get noSources(): boolean {
    const parts = this.#parts;
    if (!parts || parts.side.complete || parts.candidates.dialling > 0) return false;
    for (const { remoteChannel } of parts.swarm.neighbours.values()) if (remoteChannel === undefined) return false;
    return parts.side.missingEverywhere() !== undefined;
  }

  /** A peer from the tracker; naming a known one again is harmless. @throws InvalidValueError for a malformed address */
  addPeer(entry: Pick<PeerEntry, 'peerId' | 'address' | 'role'>): void {
    const parts = this.#parts;
    if (!parts || parts.side.complete || entry.peerId === parts.self || parts.swarm.isBanned(entry.peerId)) return;
    parts.candidates.add(parseAddress(entry.address), entry.role, entry.peerId);
  }

  /** The piece address of an origin that owns the blob. */
  addOrigin(address: Address): void {
    this.#origins.add(formatAddress(address));
    if (!this.complete) this.#parts?.candidates.add(address, 'origin');
  }

  /** An agent that receives the blob itself and tells its hashes; whoever names one verifies the digest of the whole. */
  addTeller({ peerId, address }: Pick<PeerEntry, 'peerId' | 'address'>): void {
    this.#tellers.add(peerId);
    this.addPeer({ peerId, address, role: 'agent' });
  }

  /** What the tracker says of this node's part in its zone. */
  setGateway(place: GatewayPlace | undefined): void {
    this.#parts?.side.handle({ type: 'gateway', place });
  }

  /** So many downloads are under way at this node, this one with them. */
  share(downloads: number): void {
    this.#parts?.side.handle({ type: 'running', downloads });
  }

  /** The next piece that each in-order reader needs; replaces the former list. */
  setReaders(cursors: readonly PieceIndex[]): void {
    this.#parts?.side.handle({ type: 'readers', cursors });
  }

  /**
   * A missing piece for the HTTP fallback, the readers' first: one that no neighbour can give, or with `anyMissing` also
   * one that a neighbour was asked for. It is the caller's until `delivered` or `released`. None while the limit of the
   * blob is used up, or that of the node, unless it is `urgent`.
   */
  claimMissing({ anyMissing = false, urgent = false } = {}): PieceIndex | undefined {
    const side = this.#parts?.side;
    if (!side?.mayFetch || (!urgent && this.#parts?.limit?.admits === false)) return undefined;
    const piece = side.missingEverywhere() ?? (anyMissing ? side.missingUnclaimed() : undefined);
    // What cannot be checked yet is not fetched.
    if (piece === undefined || this.#parts?.swarm.metainfo.pieceHashes[piece] === undefined) return undefined;
    side.handle({ type: 'claimed', piece });
    return piece;
  }

  /** Bytes of a claimed piece, in order. False: they have no place, the claim is to be released. @throws StoreFullError */
  deliverBytes(piece: PieceIndex, bytes: Uint8Array): boolean {
    const { side, limit } = this.#parts ?? {};
    if (!side) return false;
    const { landing } = side;
    limit?.spend(bytes.length);
    const { offset, received } = landing.expect(httpSource, piece);
    const reception = landing.begin(httpSource, { channel: 0, piece, offset: offset + received, length: bytes.length });
    return typeof reception === 'object' && reception.update(bytes);
  }

  /**
   * The claimed piece is there: all its bytes went through `deliverBytes`, or the caller has verified, written and marked
   * it in the blob. False: the bytes do not match the piece hash and the claim is released.
   */
  delivered(piece: PieceIndex): boolean {
    const parts = this.#parts;
    if (!parts || parts.side.holds(piece)) return parts !== undefined;
    if (!parts.side.isMarked(piece) && !parts.side.landing.settleFull(httpSource, piece)) {
      this.released(piece);
      return false;
    }
    parts.side.delivered(piece);
    return true;
  }

  /** The fallback gave the piece up. */
  released(piece: PieceIndex): void {
    this.#parts?.side.landing.drop(httpSource, piece);
    this.#parts?.side.handle({ type: 'released', piece });
  }

  /** Leaves the swarm; resolves when nothing of the blob is being sent any more. After seed() of a complete download the seeding goes on. */
  async stop(): Promise<void> {
    const parts = this.#parts;
    if (!parts) return;
    this.#parts = undefined;
    this.on = {};
    parts.candidates.stop();
    parts.ended();
    await parts.release();
  }

  /** Called at every tick of the exchange: tells once, when it lasts for two of them, that there are no sources. */
  checkSources(): void {
    this.#sourceless = this.noSources ? this.#sourceless + 1 : 0;
    if (this.#sourceless === 2) this.on.noSources?.();
  }

  verified(piece: PieceIndex, from: Neighbour | undefined): void {
    const parts = this.#parts;
    if (!parts) return;
    const { length } = parts.swarm.span(piece);
    const source = from?.peer.role ?? 'http';
    if (source === 'agent') this.stats.bytesFromPeers += length;
    else if (source === 'origin') this.stats.bytesFromOrigins += length;
    else this.stats.bytesFromHttp += length;
    parts.events.pieceReceived?.(source, length, parts.swarm.id, from?.peer.link.remote.zone);
    this.on.piece?.(piece, source);
  }

  corrupt(piece: PieceIndex, from: Neighbour): void {
    const { peerId } = from.peer.link.remote;
    this.stats.piecesCorrupt++;
    this.#parts?.events.pieceCorrupt?.(peerId, piece, from.swarm.id);
    this.on.corrupt?.(peerId, piece);
  }

  discarded(bytes: number): void {
    this.stats.bytesDiscarded += bytes;
  }

  starved(): void {
    this.on.starved?.();
  }

  completed(): void {
    this.#parts?.candidates.stop();
    this.#parts?.ended();
    this.on.complete?.();
  }

  joined(neighbour: Neighbour): void {
    this.#parts?.candidates.joined(neighbour.peer.link.remote.peerId);
  }

  trusts({ peer: { link, role } }: Neighbour): boolean {
    if (this.#tellers.has(link.remote.peerId)) return true;
    return role === 'origin' && link.dialled !== undefined && this.#origins.has(formatAddress(link.dialled));
  }

  /** Somebody whose word on hashes counts is a neighbour. */
  get hearsHashes(): boolean {
    const joined = [...(this.#parts?.swarm.neighbours.values() ?? [])].filter(
      ({ remoteChannel }) => remoteChannel !== undefined,
    );
    return joined.some((neighbour) => this.trusts(neighbour));
  }

  /** The hashes of all pieces of a growing blob, from metainfo that an origin signed. */
  learn(hashes: readonly Uint8Array[]): void {
    this.#parts?.side.learn(0, hashes);
  }

  hashesKnown(): void {
    this.on.hashesKnown?.();
  }

  purged(): void {
    this.on.purged?.();
  }

  left(neighbour: Neighbour, reason: LeftReason): void {
    if (reason === 'purged' && this.trusts(neighbour)) this.purged();
    this.#parts?.candidates.left(neighbour.peer.link.remote.peerId, reason);
  }

  /** The blob cannot be written, so there is no point in going on. */
  failed(error: unknown): void {
    const { on } = this;
    void this.stop();
    on.failed?.(error);
  }
}

/** The fallback's place among the sources of receptions; links count from 0 up. */
const httpSource = -1;
