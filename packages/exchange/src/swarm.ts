import { Bitfield, type BlobCut, type PeerId, type PieceIndex, pieceSpan, type SwarmId, swarmIdOf } from '@shoal/core';
import { type Have, type Join, ProtocolError } from '@shoal/protocol';
import { sha256 } from '@shoal/store';
import { type NodeIdentity, type PieceReader, type Throttle, throttleOf } from '@shoal/transport';
import type { LeftReason, Neighbour, SwarmSide } from './neighbour.ts';
import type { Peer } from './peer.ts';
import type { Uploads } from './uploads.ts';

export interface SwarmOptions {
  readonly metainfo: BlobCut;
  /** The number of this swarm inside the process. */
  readonly handle: number;
  readonly reader: PieceReader;
  readonly uploads: Uploads;
  /** Agents that may be neighbours at once. */
  readonly neighboursMax: number;
  readonly swarmsPerLinkMax: number;
  /** 0 is without limit. */
  readonly uploadBytesPerSecondMax: number;
  readonly clock: () => number;
}

/** A swarm that this node takes part in: who the neighbours are, and JOIN, LEAVE and NO_SWARM between us. */
export class Swarm {
  readonly id: SwarmId;
  readonly handle: number;
  readonly metainfo: BlobCut;
  /** Where uploads that start from now on read. */
  reader: PieceReader;
  readonly neighbours = new Map<number, Neighbour>();
  /** What is sent of this blob, to whomever; undefined without a limit. */
  readonly throttle: Throttle | undefined;
  readonly #options: SwarmOptions;
  readonly #side: SwarmSide;
  readonly #banned = new Set<PeerId>();
  #agents = 0;
  #stopped = false;

  constructor(options: SwarmOptions, makeSide: (swarm: Swarm) => SwarmSide) {
    const { digest, leafAlgorithm, pieceLength } = options.metainfo;
    this.id = swarmIdOf(digest, leafAlgorithm, pieceLength, sha256);
    this.handle = options.handle;
    this.metainfo = options.metainfo;
    this.reader = options.reader;
    this.throttle = throttleOf(options.uploadBytesPerSecondMax, options.clock);
    this.#options = options;
    this.#side = makeSide(this);
  }

  get side(): SwarmSide {
    return this.#side;
  }

  get pieceCount(): number {
    return this.metainfo.pieceHashes.length;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** Neighbours whose JOIN has come. */
  get degree(): number {
    let joined = 0;
    for (const neighbour of this.neighbours.values()) if (neighbour.remoteChannel !== undefined) joined++;
    return joined;
  }

  /** Who has joined, for the live view. */
  *joined(): Generator<NodeIdentity> {
    for (const { remoteChannel, peer } of this.neighbours.values()) {
      if (remoteChannel !== undefined) yield peer.link.remote;
    }
  }

  span(piece: PieceIndex): { offset: number; length: number } {
    return pieceSpan(this.metainfo.size, this.metainfo.pieceLength, piece);
  }

  isBanned(peer: PeerId): boolean {
    return this.#banned.has(peer);
  }

  /** Sends my JOIN, once. Undefined when a limit forbids it or the peer is banned here. */
  join(peer: Peer): Neighbour | undefined {
    const existing = this.neighbours.get(peer.id);
    if (existing) return existing;
    if (this.#stopped || this.#refusal(peer) !== undefined) return undefined;
    const sinceMs = this.#options.clock();
    const told = this.#side.have();
    const channel = peer.nextChannel();
    const neighbour: Neighbour = { peer, swarm: this, channel, sinceMs, told, remoteChannel: undefined };
    this.neighbours.set(peer.id, neighbour);
    peer.neighbours.set(this.id, neighbour);
    if (peer.role === 'agent') this.#agents++;
    const { size, pieceLength } = this.metainfo;
    peer.link.send({ type: 'join', channel, swarm: this.id, size, pieceLength, have: told });
    return neighbour;
  }

  /** A peer's JOIN: answered by mine unless that went before, or refused. @throws InvalidValueError for a broken bitfield */
  joinReceived(peer: Peer, message: Join): void {
    const refusal = this.#mismatch(message) ?? (this.neighbours.has(peer.id) ? undefined : this.#refusal(peer));
    if (refusal !== undefined) {
      const mine = this.neighbours.get(peer.id);
      if (mine) this.#forget(mine, 'noSwarm');
      return peer.link.send({ type: 'noSwarm', swarm: this.id, reason: refusal });
    }
    const have = bitfieldOf(message.have, this.pieceCount);
    const neighbour = this.join(peer);
    if (!neighbour) return;
    if (neighbour.remoteChannel !== undefined) {
      // It left and joined again before my answer to its first JOIN was there.
      peer.unbind(neighbour.remoteChannel);
      neighbour.remoteChannel = undefined;
      this.#options.uploads.neighbourLeft(neighbour);
      this.#side.left(neighbour, 'rejoin');
    }
    neighbour.remoteChannel = message.channel;
    peer.bind(message.channel, neighbour);
    this.#side.joined(neighbour, have);
    this.#tellGained(neighbour);
  }

  /** LEAVE ends both joins of the link. */
  leaveReceived(neighbour: Neighbour): void {
    this.#forget(neighbour, 'leave');
  }

  noSwarmReceived(neighbour: Neighbour, reason: string): void {
    this.#forget(neighbour, reason === fullReason ? 'full' : reason === purgedReason ? 'purged' : 'noSwarm');
  }

  linkClosed(neighbour: Neighbour): void {
    this.#forget(neighbour, 'linkClosed');
  }

  /** Leaves a neighbour; with `ban` it is not let in again. */
  leave(neighbour: Neighbour, { ban = false }: { ban?: boolean } = {}): void {
    if (ban && this.#banned.size < bannedMax) this.#banned.add(neighbour.peer.link.remote.peerId);
    this.#leave(neighbour, 'mine');
  }

  /** Leaves peers that have answered my JOIN from before this moment with nothing: they hold slots of others. */
  leaveUnanswered(beforeMs: number): void {
    for (const neighbour of [...this.neighbours.values()]) {
      if (neighbour.remoteChannel === undefined && neighbour.sinceMs < beforeMs) this.#leave(neighbour, 'unanswered');
    }
  }

  /** Leaves everybody and lets nobody in any more. */
  stop(): void {
    this.#stopped = true;
    for (const neighbour of [...this.neighbours.values()]) this.leave(neighbour);
    this.#side.stop();
  }

  /** Tells everybody that what was sent of the blob is wrong, and stops. */
  purge(): void {
    this.#stopped = true;
    for (const neighbour of [...this.neighbours.values()]) {
      neighbour.peer.link.send({ type: 'noSwarm', swarm: this.id, reason: purgedReason });
      this.#forget(neighbour, 'mine');
    }
    this.#side.stop();
  }

  /** What came after my JOIN has left, while the peer's was on its way: only those who have joined hear HAVEs. */
  #tellGained(neighbour: Neighbour): void {
    const { peer, channel, told } = neighbour;
    neighbour.told = undefined;
    if (told === undefined || told === 'all' || this.neighbours.get(peer.id) !== neighbour) return;
    const before = bitfieldOf(told, this.pieceCount);
    const now = bitfieldOf(this.#side.have(), this.pieceCount);
    if (now.count === before.count) return;
    const { queueLength } = this.#options.uploads;
    for (let piece = 0; piece < this.pieceCount; piece++) {
      if (now.has(piece) && !before.has(piece)) peer.link.send({ type: 'have', channel, piece, queueLength });
    }
  }

  #leave(neighbour: Neighbour, reason: LeftReason): void {
    if (this.neighbours.get(neighbour.peer.id) !== neighbour) return;
    neighbour.peer.link.send({ type: 'leave', channel: neighbour.channel });
    this.#forget(neighbour, reason);
  }

  #forget(neighbour: Neighbour, reason: LeftReason): void {
    const { peer } = neighbour;
    if (this.neighbours.get(peer.id) !== neighbour) return;
    this.neighbours.delete(peer.id);
    peer.neighbours.delete(this.id);
    if (neighbour.remoteChannel !== undefined) peer.unbind(neighbour.remoteChannel);
    neighbour.remoteChannel = undefined;
    if (peer.neighbours.size === 0) peer.idleSinceMs = this.#options.clock();
    if (peer.role === 'agent') this.#agents--;
    this.#options.uploads.neighbourLeft(neighbour);
    this.#side.left(neighbour, reason);
  }

  #refusal(peer: Peer): string | undefined {
    if (this.#stopped) return unknownReason;
    if (this.isBanned(peer.link.remote.peerId)) return 'corrupt pieces came from this peer';
    if (peer.neighbours.size >= this.#options.swarmsPerLinkMax) return 'too many swarms on this link';
    if (peer.role === 'agent' && this.#agents >= this.#options.neighboursMax) return fullReason;
    return undefined;
  }

  #mismatch({ size, pieceLength }: Join): string | undefined {
    if (size === this.metainfo.size && pieceLength === this.metainfo.pieceLength) return undefined;
    return `size ${size} in pieces of ${pieceLength} is not ${this.metainfo.size} in pieces of ${this.metainfo.pieceLength}`;
  }
}

/** NO_SWARM: the swarm is full, a later try may find room. */
export const fullReason = 'full';

/** NO_SWARM: not, or no longer, a swarm of mine. */
export const unknownReason = 'unknown swarm';

/** NO_SWARM: the blob turned out to have another digest. */
const purgedReason = 'purged: the bytes have another digest';

/** Corrupt peers that one swarm remembers. */
const bannedMax = 1000;

const bitfieldOf = (have: Have, pieceCount: number): Bitfield => {
  if (have === 'all') return Bitfield.full(pieceCount);
  if (have === 'none') return new Bitfield(pieceCount);
  return Bitfield.fromBytes(have, pieceCount);
};

/** @throws ProtocolError unless the piece is one of the swarm's: it closes the link */
export const checkPiece = (swarm: Swarm, piece: PieceIndex): void => {
  if (piece >= swarm.pieceCount) throw new ProtocolError(`piece ${piece} of a blob with ${swarm.pieceCount} pieces`);
};
