import type { PieceIndex } from '@shoal/core';
import { EgressGate } from './egress-gate.ts';
import type { PeerHandle } from './peer.ts';
import { UploadLines, type Waiting } from './upload-queue-lines.ts';
import type { SwarmHandle, UploadAction, UploadEvent, UploadLimits, UploadRank } from './upload-types.ts';

const defaults: UploadLimits = {
  activeMax: 16,
  activeSerial: 2,
  activeMin: 12,
  egressMax: undefined,
  queueMax: 4096,
  queuePerPeerMax: 256,
  smallBytesMax: 256 * 1024,
};

/** While somebody waits the egress is looked at twice a transfer, within these bounds. */
const lookMinMs = 2;
const lookMaxMs = 50;

/**
 * All uploads of one process: rarest piece first, then the least complete requester. It begins with a few
 * transfers at once and widens to as many as keep the uplink full behind busy receivers. Every WANT_ANY and every REQUEST passes through it.
 */
export class UploadQueue {
  readonly #limits: UploadLimits;
  readonly #gate: EgressGate;
  readonly #lines: UploadLines;
  readonly #actions: UploadAction[] = [];
  #entries = 0;
  #starts = 0;
  #nowMs = 0;
  /** What a transfer takes, smoothed. */
  #transferMs = 20;

  constructor({ limits = {}, rank }: { limits?: Partial<UploadLimits>; rank?: UploadRank } = {}) {
    this.#limits = { ...defaults, ...limits };
    this.#lines = new UploadLines(rank);
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
        this.#lines.forget(event.peer, ({ swarm, piece }) => swarm === event.swarm && piece === event.piece);
        break;
      case 'peerLeft':
        this.#lines.forget(event.peer, () => true);
        for (const { swarm, piece } of [...this.#lines.runningOf(event.peer)]) this.#ended(event.peer, swarm, piece);
        break;
      case 'swarmLeft':
        this.#lines.forget(event.peer, ({ swarm }) => swarm === event.swarm);
        break;
      case 'transferEnded':
        if (!this.#ended(event.peer, event.swarm, event.piece)) this.#ended(event.peer, event.swarm, undefined);
        break;
      case 'creditUnserved':
        this.#ended(event.peer, event.swarm, undefined);
        break;
      case 'egress':
        this.#gate.sample(event.bytesPerSecond, this.active, this.#lines.waiting > 0, nowMs);
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
    if (this.#lines.waiting === 0) return undefined;
    return Math.max(1, this.#nowMs + Math.min(lookMaxMs, Math.max(lookMinMs, this.#transferMs / 2)) - nowMs);
  }

  /** Waiting requests and credits: the queue length that HAVE carries. */
  get length(): number {
    return this.#lines.waiting;
  }

  get active(): number {
    return this.#lines.runningSmall + this.#lines.runningLarge;
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
    if (piece !== undefined && this.#lines.has(entry)) return;
    const full = this.#lines.waiting >= this.#limits.queueMax;
    if (full || this.#lines.waitingOf(peer) >= this.#limits.queuePerPeerMax) {
      this.#actions.push(
        piece === undefined
          ? { type: 'refuse', peer, swarm }
          : { type: 'reject', peer, swarm, piece, reason: 'overloaded' },
      );
      return;
    }
    if (this.active === 0 && this.#lines.waiting === 0) this.#gate.rested();
    this.#lines.add({
      peer,
      swarm,
      piece,
      small: bytes <= this.#limits.smallBytesMax,
      availability,
      held,
      number: this.#entries++,
      sinceStart: this.#starts,
    });
  }

  #fill(): void {
    for (let entry = this.#next(); entry; entry = this.#next()) {
      const { peer, swarm, piece } = entry;
      this.#lines.start(entry, this.#nowMs);
      this.#gate.opened();
      this.#starts++;
      this.#actions.push(
        piece === undefined ? { type: 'serveCredit', peer, swarm } : { type: 'start', peer, swarm, piece },
      );
    }
  }

  #next(): Waiting | undefined {
    const { always } = this.#gate;
    const { small, large } = this.#lines.slotsTaken();
    const gate = this.#gate.open(small + large);
    const open = small + large < this.#limits.activeMax;
    return this.#lines.next({
      small: gate || (open && small < always),
      large: gate || (open && large < always),
      starts: this.#starts,
    });
  }

  #ended(peer: PeerHandle, swarm: SwarmHandle, piece: PieceIndex | undefined): boolean {
    const ended = this.#lines.end({ peer, swarm, piece });
    if (!ended) return false;
    this.#transferMs += (this.#nowMs - ended.startedMs - this.#transferMs) / 8;
    return true;
  }
}
