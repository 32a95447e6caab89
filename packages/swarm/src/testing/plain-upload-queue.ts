import type { PieceIndex } from '@shoal/core';
import { EgressGate } from '../egress-gate.ts';
import type { PeerHandle } from '../peer.ts';
import type { SwarmHandle, UploadAction, UploadEvent, UploadLimits, UploadRank } from '../upload-types.ts';

/** A waiting REQUEST, or a waiting credit (`piece` undefined). */
interface Waiting {
  readonly peer: PeerHandle;
  readonly swarm: SwarmHandle;
  readonly piece: PieceIndex | undefined;
  readonly small: boolean;
  readonly availability: number;
  readonly held: number;
  /** `#starts` when it came: how often it was passed over. */
  readonly sinceStart: number;
}

const defaults: UploadLimits = {
  activeMax: 16,
  activeSerial: 2,
  activeMin: 12,
  egressMax: undefined,
  queueMax: 4096,
  queuePerPeerMax: 256,
  smallBytesMax: 256 * 1024,
};

interface Running {
  readonly swarm: SwarmHandle;
  /** Undefined for a served credit: its piece was chosen by SuperSeed. */
  readonly piece: PieceIndex | undefined;
  readonly small: boolean;
  readonly startedMs: number;
}

/** Nobody is passed over more often: a common piece that a reader waits for must come through. */
const passedOverMax = 32;
/** A second transfer on one connection keeps it busy between two pieces; a third adds nothing. Counted for each lane. */
const runningPerPeerMax = 2;
/** While somebody waits the egress is looked at twice a transfer, within these bounds. */
const lookMinMs = 2;
const lookMaxMs = 50;

/** The order of UploadQueue by one scan of all entries: what its faster pass must agree with. */
export class PlainUploadQueue {
  readonly #limits: UploadLimits;
  readonly #rank: UploadRank | undefined;
  readonly #gate: EgressGate;
  readonly #waiting: Waiting[] = [];
  readonly #waitingOf = new Map<PeerHandle, number>();
  readonly #running = new Map<PeerHandle, Running[]>();
  readonly #actions: UploadAction[] = [];
  #activeSmall = 0;
  #activeLarge = 0;
  #starts = 0;
  #nowMs = 0;
  /** What a transfer takes, smoothed. */
  #transferMs = 20;

  constructor({ limits = {}, rank }: { limits?: Partial<UploadLimits>; rank?: UploadRank } = {}) {
    this.#limits = { ...defaults, ...limits };
    this.#rank = rank;
    this.#gate = new EgressGate(this.#limits);
  }

  handle(event: UploadEvent, nowMs: number): void {
    this.#nowMs = nowMs;
    switch (event.type) {
      case 'request':
        this.#enqueue({ ...event, held: event.requesterHeld });
        break;
      case 'credit':
        // What an origin lets in is rarer than any piece that is already there.
        this.#enqueue({ ...event, piece: undefined, availability: 0, held: event.requesterHeld });
        break;
      case 'cancel':
        this.#forget(
          (entry) => entry.peer === event.peer && entry.swarm === event.swarm && entry.piece === event.piece,
        );
        break;
      case 'peerLeft':
        this.#forget((entry) => entry.peer === event.peer);
        for (const { swarm, piece } of [...(this.#running.get(event.peer) ?? [])])
          this.#ended(event.peer, swarm, piece);
        break;
      case 'swarmLeft':
        this.#forget((entry) => entry.swarm === event.swarm && (event.peer === undefined || entry.peer === event.peer));
        break;
      case 'transferEnded':
        if (!this.#ended(event.peer, event.swarm, event.piece)) this.#ended(event.peer, event.swarm, undefined);
        break;
      case 'creditUnserved':
        this.#ended(event.peer, event.swarm, undefined);
        break;
      case 'egress':
        this.#gate.sample(event.bytesPerSecond, this.active, this.#waiting.length > 0, nowMs);
        break;
      case 'timer':
        break;
    }
    this.#fill();
  }

  poll(): UploadAction | undefined {
    return this.#actions.shift();
  }

  /** While somebody waits: when the shell should report `egress` and `timer` next. */
  nextTimeoutMs(nowMs: number): number | undefined {
    if (this.#waiting.length === 0) return undefined;
    return Math.max(1, this.#nowMs + Math.min(lookMaxMs, Math.max(lookMinMs, this.#transferMs / 2)) - nowMs);
  }

  /** Waiting requests and credits: the queue length that HAVE carries. */
  get length(): number {
    return this.#waiting.length;
  }

  get active(): number {
    return this.#activeSmall + this.#activeLarge;
  }

  #enqueue(entry: {
    peer: PeerHandle;
    swarm: SwarmHandle;
    piece: PieceIndex | undefined;
    bytes: number;
    availability: number;
    held: number;
  }): void {
    const { peer, swarm, piece, bytes, availability, held } = entry;
    const same = (other: { swarm: SwarmHandle; piece: PieceIndex | undefined }): boolean =>
      other.swarm === swarm && other.piece === piece;
    const known =
      this.#waiting.some((other) => other.peer === peer && same(other)) || this.#running.get(peer)?.some(same);
    if (piece !== undefined && known) return;
    const ofPeer = this.#waitingOf.get(peer) ?? 0;
    if (this.#waiting.length >= this.#limits.queueMax || ofPeer >= this.#limits.queuePerPeerMax) {
      this.#actions.push(
        piece === undefined
          ? { type: 'refuse', peer, swarm }
          : { type: 'reject', peer, swarm, piece, reason: 'overloaded' },
      );
      return;
    }
    this.#waitingOf.set(peer, ofPeer + 1);
    if (this.active === 0 && this.#waiting.length === 0) this.#gate.rested();
    this.#waiting.push({
      peer,
      swarm,
      piece,
      small: bytes <= this.#limits.smallBytesMax,
      availability,
      held,
      sinceStart: this.#starts,
    });
  }

  #forget(matches: (entry: Waiting) => boolean): void {
    for (let index = this.#waiting.length - 1; index >= 0; index--) {
      const entry = this.#waiting[index];
      if (entry && matches(entry)) this.#take(index);
    }
  }

  #take(index: number): void {
    const [entry] = this.#waiting.splice(index, 1);
    if (!entry) return;
    const left = (this.#waitingOf.get(entry.peer) ?? 1) - 1;
    if (left === 0) this.#waitingOf.delete(entry.peer);
    else this.#waitingOf.set(entry.peer, left);
  }

  #fill(): void {
    while (this.#waiting.length > 0) {
      const index = this.#next();
      const entry = this.#waiting[index];
      if (!entry) return;
      this.#take(index);
      this.#start(entry);
    }
  }

  #start({ peer, swarm, piece, small }: Waiting): void {
    const transfer = { swarm, piece, small, startedMs: this.#nowMs };
    const running = this.#running.get(peer);
    if (running) running.push(transfer);
    else this.#running.set(peer, [transfer]);
    if (small) this.#activeSmall++;
    else this.#activeLarge++;
    this.#gate.opened();
    this.#starts++;
    this.#actions.push(
      piece === undefined ? { type: 'serveCredit', peer, swarm } : { type: 'start', peer, swarm, piece },
    );
  }

  /** Index of the entry to start now, -1 when none may. */
  #next(): number {
    const gate = this.#gate.open(this.active);
    const open = this.active < this.#limits.activeMax;
    const smallOpen = gate || (open && this.#activeSmall < this.#gate.always);
    const largeOpen = gate || (open && this.#activeLarge < this.#gate.always);
    if (!smallOpen && !largeOpen) return -1;
    let best = -1;
    for (let index = 0; index < this.#waiting.length; index++) {
      const entry = this.#waiting[index];
      if (!entry || !(entry.small ? smallOpen : largeOpen)) continue;
      if (this.#runningIn(entry) >= runningPerPeerMax) continue;
      const former = this.#waiting[best];
      if (!former || this.#before(entry, former)) best = index;
    }
    return best;
  }

  /** Transfers of the entry's lane to its peer: a small piece does not wait for the end of two large ones. */
  #runningIn({ peer, small }: Waiting): number {
    let count = 0;
    for (const transfer of this.#running.get(peer) ?? []) if (transfer.small === small) count++;
    return count;
  }

  /** Idle connections, small pieces, the long passed over, the rarest, the least complete; else first come. */
  #before(a: Waiting, b: Waiting): boolean {
    const busyA = this.#running.has(a.peer);
    if (busyA !== this.#running.has(b.peer)) return !busyA;
    if (a.small !== b.small) return a.small;
    const lateA = this.#starts - a.sinceStart > passedOverMax || a.piece === 0;
    const lateB = this.#starts - b.sinceStart > passedOverMax || b.piece === 0;
    if (lateA !== lateB) return lateA;
    const rareA = this.#availability(a);
    const rareB = this.#availability(b);
    if (rareA !== rareB) return rareA < rareB;
    return this.#held(a) < this.#held(b);
  }

  #availability({ swarm, piece, availability }: Waiting): number {
    return piece !== undefined && this.#rank ? this.#rank.availability(swarm, piece) : availability;
  }

  #held({ swarm, peer, held }: Waiting): number {
    return this.#rank ? this.#rank.held(swarm, peer) : held;
  }

  #ended(peer: PeerHandle, swarm: SwarmHandle, piece: PieceIndex | undefined): boolean {
    const running = this.#running.get(peer) ?? [];
    const index = running.findIndex((transfer) => transfer.swarm === swarm && transfer.piece === piece);
    const [ended] = index < 0 ? [] : running.splice(index, 1);
    if (!ended) return false;
    if (running.length === 0) this.#running.delete(peer);
    this.#transferMs += (this.#nowMs - ended.startedMs - this.#transferMs) / 8;
    if (ended.small) this.#activeSmall--;
    else this.#activeLarge--;
    return true;
  }
}
