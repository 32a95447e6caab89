import { Bitfield, type GrowingCut, type PieceIndex, type Prng } from '@shoal/core';
import { type DataHeader, type Hashes, type Have, haveDeltaMax } from '@shoal/protocol';
import { Leech, type LeechAction, type LeechEvent, type LeechLimits } from '@shoal/swarm';
import type { Landed, Route, SendOptions } from '@shoal/transport';
import type { ByteBudget } from './byte-budget.ts';
import { type FileSpan, Landing } from './landing.ts';
import type { LeechHooks } from './leech-hooks.ts';
import { MachineTimer } from './machine-timer.ts';
import type { LeftReason, Neighbour, SwarmMessage, SwarmSide } from './neighbour.ts';
import type { PieceSink, Reception } from './reception.ts';
import { haveOf } from './seed-side.ts';
import { checkPiece, type Swarm } from './swarm.ts';
import type { Uploads } from './uploads.ts';

export interface LeechSideOptions {
  readonly sink: PieceSink;
  readonly growing?: GrowingCut | undefined;
  /** Pieces may go into the sink's file by another thread. */
  readonly routes: boolean;
  readonly budget: ByteBudget;
  readonly uploads: Uploads;
  readonly hooks: LeechHooks;
  readonly limits: Partial<LeechLimits>;
  readonly prng: Prng;
  readonly clock: () => number;
}

/** A node that fetches a blob and serves what it has of it: carries out what the Leech machine decides. */
export class LeechSide implements SwarmSide {
  readonly #swarm: Swarm;
  readonly #options: LeechSideOptions;
  readonly #machine: Leech;
  readonly #landing: Landing;
  readonly #timer: MachineTimer;
  /** What each neighbour says that it has; the machine knows it of those that can be asked. */
  readonly #held = new Map<number, Bitfield>();
  #pumping = false;

  constructor(swarm: Swarm, options: LeechSideOptions) {
    const { metainfo } = swarm;
    const { sink, budget, prng, limits, clock } = options;
    this.#swarm = swarm;
    this.#options = options;
    const { size, pieceLength } = metainfo;
    this.#machine = new Leech({
      pieceCount: metainfo.pieceHashes.length,
      pieceLength,
      size,
      have: sink.have,
      prng,
      limits,
    });
    this.#landing = new Landing({ metainfo, sink, budget });
    this.#timer = new MachineTimer(clock, () => {
      this.#reportProgress();
      this.handle({ type: 'timer' });
    });
  }

  get complete(): boolean {
    return this.#machine.complete;
  }

  get fetching(): boolean {
    return !this.complete;
  }

  get landing(): Landing {
    return this.#landing;
  }

  /** A piece that no neighbour can give, for the HTTP fallback. */
  missingEverywhere(): PieceIndex | undefined {
    return this.#machine.missingEverywhere();
  }

  /** Whether the limit of the blob lets one more piece be fetched now. */
  get mayFetch(): boolean {
    return this.#machine.mayAsk(this.#options.clock());
  }

  /** Missing and not claimed, even if a neighbour was asked for it. */
  missingUnclaimed(): PieceIndex | undefined {
    return this.#machine.missingUnclaimed();
  }

  /** Whether the blob itself says that the piece is in it. */
  isMarked(piece: PieceIndex): boolean {
    return this.#options.sink.have.has(piece);
  }

  /** Feeds the machine and carries out what follows, in the same turn. */
  handle(event: LeechEvent): void {
    if (this.#swarm.stopped) return;
    this.#machine.handle(event, this.#options.clock());
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let action = this.#machine.poll(); action; action = this.#machine.poll()) this.#perform(action);
    } finally {
      this.#pumping = false;
    }
    if (!this.#swarm.stopped) this.#timer.arm(this.#machine.nextTimeoutMs(this.#options.clock()));
  }

  /** A piece that is verified and in the file by another way than a neighbour. */
  delivered(piece: PieceIndex): void {
    this.#options.hooks.verified(piece, undefined);
    this.handle({ type: 'pieceVerified', piece });
  }

  stop(): void {
    this.#timer.stop();
    this.#landing.clear();
  }

  have(): Have {
    return haveOf(this.#machine.have);
  }

  holds(piece: PieceIndex): boolean {
    return this.#machine.have.has(piece);
  }

  joined(neighbour: Neighbour, have: Bitfield): void {
    this.#held.set(neighbour.peer.id, have);
    this.#options.hooks.joined(neighbour);
    this.#enter(neighbour, have);
    if (this.complete) this.#leaveIfComplete(neighbour);
  }

  left(neighbour: Neighbour, reason: LeftReason): void {
    this.#landing.dropSource(neighbour.peer.id);
    this.#held.delete(neighbour.peer.id);
    this.handle({ type: 'peerLeft', peer: neighbour.peer.id });
    if (reason !== 'rejoin') this.#options.hooks.left(neighbour, reason);
  }

  reachabilityChanged(neighbour: Neighbour): void {
    const have = this.#held.get(neighbour.peer.id);
    if (!have) return;
    this.#landing.dropSource(neighbour.peer.id);
    this.#enter(neighbour, have);
  }

  message(neighbour: Neighbour, message: SwarmMessage): void {
    const peer = neighbour.peer.id;
    if (message.type === 'hashes') return this.#hashes(neighbour, message);
    if (message.type === 'wantAny') return neighbour.peer.link.send({ type: 'refuse', channel: neighbour.channel });
    if (message.type === 'refuse') return this.handle({ type: 'refused', peer });
    checkPiece(this.#swarm, message.piece);
    const { piece } = message;
    switch (message.type) {
      case 'have':
        this.#held.get(peer)?.set(piece);
        // A piece that cannot be checked yet is not asked for.
        if (!neighbour.peer.unreachable && this.#isKnown(piece)) {
          this.handle({ type: 'peerHave', peer, piece, queueLength: message.queueLength });
        }
        if (this.complete) this.#leaveIfComplete(neighbour);
        break;
      case 'offer':
        this.#offered(peer, piece);
        break;
      case 'reject':
        this.#landing.drop(peer, piece);
        this.handle({ type: 'rejected', peer, piece, reason: message.reason });
    }
  }

  dataBegin(neighbour: Neighbour, header: DataHeader): Reception | undefined {
    const { piece, length } = header;
    const peer = neighbour.peer.id;
    checkPiece(this.#swarm, piece);
    if (length === 0) {
      this.#transferStopped(peer, header);
      return undefined;
    }
    // Control and data are two connections: the data of an OFFER may overtake it.
    if (neighbour.peer.role === 'origin' && !this.#landing.expects(peer, piece)) this.#offered(peer, piece);
    const reception = this.#landing.begin(peer, header);
    if (reception === 'noRoom') {
      this.#cancel(neighbour, piece);
      this.handle({ type: 'rejected', peer, piece, reason: 'overloaded' });
      return undefined;
    }
    if (reception?.received === 0) this.handle({ type: 'progress', peer, piece, bytes: 0 });
    // That event may have cancelled this very transfer.
    return reception?.open ? reception : undefined;
  }

  dataLanded(neighbour: Neighbour, landed: Landed): Reception | undefined {
    const peer = neighbour.peer.id;
    const { piece } = landed.header;
    const reception = this.#landing.landed(peer, landed);
    if (reception?.received === landed.header.length) this.handle({ type: 'progress', peer, piece, bytes: 0 });
    return reception?.open ? reception : undefined;
  }

  dataEnd(neighbour: Neighbour, reception: Reception): void {
    const peer = neighbour.peer.id;
    const { piece } = reception;
    if (!reception.open) return;
    if (!reception.full) return this.handle({ type: 'progress', peer, piece, bytes: reception.untold() });
    // The data of an origin may overtake the hash, which comes on the other connection.
    if (this.#isKnown(piece)) this.#settle(neighbour, reception);
  }

  /**
   * Before deadlines are judged: which transfers have moved within a frame, and which wait for this node's own limit, in
   * the buffers of the kernel for all that is known here. To ask another for those would spend the limit twice.
   */
  #reportProgress(): void {
    for (const reception of this.#landing.receptions()) {
      const { source: peer, piece } = reception;
      const bytes = reception.untold();
      const paused = this.#swarm.neighbours.get(peer)?.peer.link.dataPaused;
      if (bytes > 0 || paused) this.handle({ type: 'progress', peer, piece, bytes });
    }
  }

  #settle(neighbour: Neighbour, reception: Reception): void {
    const { piece } = reception;
    const peer = neighbour.peer.id;
    if (this.#landing.settle(reception) === 'verified') {
      this.#options.hooks.verified(piece, neighbour);
      this.handle({ type: 'pieceVerified', piece, peer });
    } else {
      this.#options.hooks.corrupt(piece, neighbour);
      this.handle({ type: 'pieceCorrupt', peer, piece });
    }
  }

  dataDiscarded(bytes: number): void {
    this.#options.hooks.discarded(bytes);
  }

  dataFailed(error: unknown): void {
    this.#options.hooks.failed(error);
  }

  availability(piece: PieceIndex): number {
    return this.#machine.availability(piece);
  }

  heldBy(peer: number): number {
    return this.#held.get(peer)?.count ?? 0;
  }

  serveCredit(): undefined {
    return undefined;
  }

  creditLost(): void {}

  offerEnded(): void {}

  /** A peer that cannot be asked has nothing, as far as the machine knows: it hears of every piece here, and is asked for none. */
  #enter({ peer }: Neighbour, have: Bitfield): void {
    const { id, role, abroad, unreachable } = peer;
    if (!unreachable) return this.handle({ type: 'peerJoined', peer: id, role, have: this.#checkable(have), abroad });
    if (role === 'origin') return this.handle({ type: 'peerLeft', peer: id });
    return this.handle({ type: 'peerJoined', peer: id, role, have: new Bitfield(have.length), abroad });
  }

  #isKnown(piece: PieceIndex): boolean {
    return this.#swarm.metainfo.pieceHashes[piece] !== undefined;
  }

  #checkable(have: Bitfield): Bitfield {
    if (!this.#options.growing) return have;
    const known = have.clone();
    for (let piece = 0; piece < known.length; piece++) if (!this.#isKnown(piece)) known.clear(piece);
    return known;
  }

  #hashes(neighbour: Neighbour, { first, hashes }: Hashes): void {
    const { growing, hooks } = this.#options;
    if (!growing || !hooks.trusts(neighbour)) return;
    if (!this.learn(first, hashes)) hooks.purged();
    else if (growing.pieceHashes.every((hash) => hash !== undefined)) hooks.hashesKnown();
  }

  /** Hashes of consecutive pieces of a growing blob. False: one contradicts what was told before. */
  learn(first: PieceIndex, hashes: readonly Uint8Array[]): boolean {
    const { growing } = this.#options;
    if (!growing) return true;
    for (const [index, hash] of hashes.entries()) {
      const piece = first + index;
      checkPiece(this.#swarm, piece);
      const known = growing.pieceHashes[piece];
      if (known && Buffer.compare(known, hash) !== 0) return false;
      growing.pieceHashes[piece] = hash;
      if (!known) this.#hashKnown(piece);
    }
    return true;
  }

  #hashKnown(piece: PieceIndex): void {
    for (const reception of this.#landing.waiting(piece)) {
      const neighbour = this.#swarm.neighbours.get(reception.source);
      if (neighbour && reception.open) this.#settle(neighbour, reception);
    }
    for (const [peer, held] of this.#held) {
      const neighbour = this.#swarm.neighbours.get(peer);
      if (held.has(piece) && neighbour && !neighbour.peer.unreachable)
        this.handle({ type: 'peerHave', peer, piece, queueLength: 0 });
    }
  }

  #offered(peer: number, piece: PieceIndex): void {
    this.handle({ type: 'offer', peer, piece });
    const neighbour = this.#swarm.neighbours.get(peer);
    if (neighbour && this.#machine.isAsked(peer, piece)) this.#expect(neighbour, piece);
  }

  /** The uploader broke off. Before the first byte it is the end of an older, cancelled transfer of the piece. */
  #transferStopped(peer: number, { piece, offset }: DataHeader): void {
    if (!this.#landing.isAt(peer, piece, offset)) return;
    this.#landing.drop(peer, piece);
    this.handle({ type: 'pieceFailed', peer, piece });
  }

  #expect({ peer, remoteChannel: channel }: Neighbour, piece: PieceIndex): void {
    if (!this.#options.routes) return void this.#landing.expect(peer.id, piece);
    const routed = (span: FileSpan): Route | undefined =>
      channel === undefined ? undefined : peer.link.route({ ...span, channel });
    this.#landing.expect(peer.id, piece, routed);
  }

  #perform(action: LeechAction): void {
    if (action.type === 'have') return this.#sendHave(action.piece, action.peers);
    if (action.type === 'starved') return this.#options.hooks.starved();
    if (action.type === 'complete') return this.#completed();
    const neighbour = this.#swarm.neighbours.get(action.peer);
    if (!neighbour) return;
    const { link } = neighbour.peer;
    switch (action.type) {
      case 'request':
        link.openData();
        this.#expect(neighbour, action.piece);
        return link.send(
          { type: 'request', channel: neighbour.channel, piece: action.piece },
          this.#urgency(action.peer),
        );
      case 'cancel':
        return this.#cancel(neighbour, action.piece);
      case 'wantAny':
        link.openData();
        return this.#sendWantAny(neighbour, action.haveDelta, action.prefer);
      case 'dropPeer':
        // A corrupt peer leaves this swarm only: what it serves of other blobs is checked piece by piece as well.
        if (action.reason === 'corrupt') this.#swarm.leave(neighbour, { ban: true });
        else link.close('stalled: requests ran out of time without an answer');
    }
  }

  #cancel({ peer, channel }: Neighbour, piece: PieceIndex): void {
    this.#landing.drop(peer.id, piece);
    peer.link.send({ type: 'cancel', channel, piece });
  }

  /** A delta beyond the grammar's bound only costs the origin a few pieces that are held already. */
  #sendWantAny({ peer, channel }: Neighbour, haveDelta: readonly PieceIndex[], prefer: readonly PieceIndex[]): void {
    const delta = haveDelta.slice(-haveDeltaMax);
    peer.link.send({ type: 'wantAny', channel, haveDelta: delta, prefer }, this.#urgency(peer.id));
  }

  #urgency(peer: number): SendOptions {
    return { lazy: this.#landing.expected(peer) >= lazyFrom };
  }

  #sendHave(piece: PieceIndex, peers: readonly number[]): void {
    const queueLength = this.#options.uploads.queueLength;
    for (const peer of peers) {
      const neighbour = this.#swarm.neighbours.get(peer);
      neighbour?.peer.link.send({ type: 'have', channel: neighbour.channel, piece, queueLength });
    }
  }

  #completed(): void {
    this.#landing.clear();
    for (const neighbour of [...this.#swarm.neighbours.values()]) this.#leaveIfComplete(neighbour);
    this.#options.hooks.completed();
  }

  /** Two complete agents have nothing to say to each other. An origin goes on counting us among the holders. */
  #leaveIfComplete(neighbour: Neighbour): void {
    const joined = neighbour.remoteChannel !== undefined && neighbour.peer.role === 'agent';
    if (joined && this.#held.get(neighbour.peer.id)?.complete) this.#swarm.leave(neighbour);
  }
}

/**
 * A peer that has so many pieces to send is not kept waiting by a REQUEST or WANT_ANY that waits for the next one, and wakes
 * up the less often for it. Where many are neighbours none has so many, and nothing waits.
 */
const lazyFrom = 5;
