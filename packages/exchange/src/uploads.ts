import type { PieceIndex } from '@shoal/core';
import { pieceCountMax } from '@shoal/protocol';
import { type UploadAction, type UploadLimits, UploadQueue } from '@shoal/swarm';
import type { TransferHandle } from '@shoal/transport';
import type { ExchangeEvents } from './events.ts';
import { HeldRequests } from './held-requests.ts';
import type { ExchangeLimits } from './limits.ts';
import { MachineTimer } from './machine-timer.ts';
import type { Neighbour } from './neighbour.ts';
import type { Peer } from './peer.ts';
import { RateMeter } from './rate-meter.ts';
import type { Swarm } from './swarm.ts';

/** A request that waits in the queue, or a transfer that runs. */
interface Upload {
  readonly neighbour: Neighbour;
  readonly piece: PieceIndex;
  /** Pushed for a credit, not asked for by number. */
  readonly offered: boolean;
  /** Set while it runs. */
  handle: TransferHandle | undefined;
}

export interface UploadsOptions {
  readonly limits: ExchangeLimits;
  readonly uploadLimits: Partial<UploadLimits>;
  readonly events: ExchangeEvents;
  readonly clock: () => number;
  /** Whether a chunk waits for the upload limit now. */
  readonly saturated: () => boolean;
}

/** All uploads of the process: carries out what the UploadQueue machine decides, on the peers' data connections. */
export class Uploads {
  readonly #queue: UploadQueue;
  readonly #options: UploadsOptions;
  readonly #uploads = new Map<Peer, Map<number, Upload>>();
  readonly #swarms = new Map<number, Swarm>();
  readonly #meter = new RateMeter({ windowMs: 100 });
  readonly #timer: MachineTimer;
  readonly #held: HeldRequests;
  /** Transfers that are cancelled and finish their chunk; they hold no slot. */
  readonly #ending = new Set<Upload>();
  readonly #waiters = new Set<() => void>();
  #pumping = false;
  #draining = false;

  constructor(options: UploadsOptions) {
    this.#options = options;
    this.#queue = new UploadQueue({
      limits: options.uploadLimits,
      rank: {
        availability: (swarm, piece) => this.#swarms.get(swarm)?.side.availability(piece) ?? 0,
        credit: (swarm) => this.#swarms.get(swarm)?.side.creditRank ?? 0,
        held: (swarm, peer) => this.#swarms.get(swarm)?.side.heldBy(peer) ?? 0,
        ...(options.limits.blobUploadBytesPerSecondMax > 0 && {
          saturated: (swarm: number) => this.#swarms.get(swarm)?.throttle?.saturated ?? false,
        }),
      },
    });
    this.#timer = new MachineTimer(options.clock, () => this.#tick());
    this.#held = new HeldRequests(options.limits, options.clock);
  }

  /** What HAVE carries. */
  get queueLength(): number {
    return this.#queue.length;
  }

  get active(): number {
    return this.#queue.active;
  }

  add(swarm: Swarm): void {
    this.#swarms.set(swarm.handle, swarm);
  }

  /** REQUEST. */
  request(neighbour: Neighbour, piece: PieceIndex): void {
    if (this.#draining) return this.#reject(neighbour, piece, 'gone');
    if (!neighbour.swarm.side.holds(piece)) return this.#reject(neighbour, piece, 'notHeld');
    const run = (): void => this.#enqueue(neighbour, piece);
    this.#held.whenUplink({ neighbour, piece, run, refuse: () => this.#reject(neighbour, piece, 'overloaded') });
  }

  /** One WANT_ANY that the swarm's SuperSeed took. */
  credit(neighbour: Neighbour): void {
    const { peer, swarm } = neighbour;
    if (this.#draining) return this.#refuse(neighbour);
    const run = (): void => {
      const requesterHeld = swarm.side.heldBy(peer.id);
      this.#handle({ type: 'credit', peer: peer.id, swarm: swarm.handle, bytes: swarm.span(0).length, requesterHeld });
    };
    this.#held.whenUplink({ neighbour, piece: undefined, run, refuse: () => this.#refuse(neighbour) });
  }

  /** What waited for the peer's data connection takes its place in the queue. */
  uplinkOpened(peer: Peer): void {
    this.#held.release(peer);
  }

  /** CANCEL of a request or an offer. */
  cancel(neighbour: Neighbour, piece: PieceIndex): void {
    const uploads = this.#uploads.get(neighbour.peer);
    const key = keyOf(neighbour.swarm, piece);
    const upload = uploads?.get(key);
    if (!upload) return this.#held.forget(neighbour, piece);
    uploads?.delete(key);
    if (upload.handle) this.#abort(upload, upload.handle);
    else this.#handle({ type: 'cancel', peer: neighbour.peer.id, swarm: neighbour.swarm.handle, piece });
  }

  /** The neighbour left the swarm, or we did: what waits is forgotten, what runs ends at its chunk. */
  neighbourLeft(neighbour: Neighbour): void {
    this.#held.forget(neighbour);
    for (const upload of [...(this.#uploads.get(neighbour.peer)?.values() ?? [])]) {
      if (upload.neighbour === neighbour) this.cancel(neighbour, upload.piece);
    }
    this.#handle({ type: 'swarmLeft', swarm: neighbour.swarm.handle, peer: neighbour.peer.id });
  }

  /** After neighbourLeft for each swarm of the link. */
  linkClosed(peer: Peer): void {
    this.#uploads.delete(peer);
    this.#handle({ type: 'peerLeft', peer: peer.id });
  }

  /** Rejects what waits and all that comes from now on; what runs goes on to its end. */
  drain(): void {
    this.#draining = true;
    for (const swarm of this.#swarms.values()) this.rejectAll(swarm, { running: false });
  }

  /** Rejects what waits for the swarm (and what runs) as gone. The swarm leaves its neighbours afterwards. */
  rejectAll(swarm: Swarm, { running = true }: { running?: boolean } = {}): void {
    for (const uploads of this.#uploads.values()) {
      for (const [key, { neighbour, piece, handle, offered }] of [...uploads]) {
        if (neighbour.swarm !== swarm || (handle && !running)) continue;
        if (!handle) uploads.delete(key);
        if (!offered) this.#reject(neighbour, piece, 'gone');
      }
    }
    this.#handle({ type: 'swarmLeft', swarm: swarm.handle });
  }

  /** Resolves when nothing of the swarm (of any, without one) is being sent: its file may go. At the latest at the deadline. */
  async idle(swarm: Swarm | undefined, timeoutMs: number): Promise<void> {
    if (this.#busy(swarm)) {
      await new Promise<void>((resolve) => {
        const done = (): void => {
          clearTimeout(timer);
          this.#waiters.delete(check);
          resolve();
        };
        const timer = setTimeout(done, timeoutMs);
        const check = (): void => void (this.#busy(swarm) || done());
        this.#waiters.add(check);
      });
    }
    if (swarm) this.#swarms.delete(swarm.handle);
  }

  close(): void {
    this.#timer.stop();
    this.#held.close();
  }

  #enqueue(neighbour: Neighbour, piece: PieceIndex): void {
    const { peer, swarm } = neighbour;
    const { side, handle } = swarm;
    const uploads = this.#of(peer);
    if (uploads.has(keyOf(swarm, piece))) return;
    uploads.set(keyOf(swarm, piece), { neighbour, piece, offered: false, handle: undefined });
    const rank = { availability: side.availability(piece), requesterHeld: side.heldBy(peer.id) };
    this.#handle({ type: 'request', peer: peer.id, swarm: handle, piece, bytes: swarm.span(piece).length, ...rank });
  }

  #handle(event: Parameters<UploadQueue['handle']>[0]): void {
    this.#queue.handle(event, this.#options.clock());
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    try {
      for (let action = this.#queue.poll(); action; action = this.#queue.poll()) this.#perform(action);
    } finally {
      this.#pumping = false;
    }
    this.#timer.arm(this.#queue.nextTimeoutMs(this.#options.clock()));
  }

  #tick(): void {
    const nowMs = this.#options.clock();
    this.#queue.handle({ type: 'egress', bytesPerSecond: this.#egress(nowMs) }, nowMs);
    this.#handle({ type: 'timer' });
  }

  /** Of a slow uplink a chunk takes longer than the meter looks back: what is measured then is nothing, or too much. */
  #egress(nowMs: number): number {
    const { saturated, uploadLimits } = this.#options;
    const measured = this.#meter.bytesPerSecond(nowMs);
    return saturated() ? Math.max(measured, uploadLimits.egressMax ?? 0) : measured;
  }

  #perform(action: UploadAction): void {
    const neighbour = this.#swarms.get(action.swarm)?.neighbours.get(action.peer);
    if (action.type === 'serveCredit') return this.#serveCredit(action, neighbour);
    if (!neighbour) {
      // It left while the action waited in the queue.
      if (action.type === 'start') this.#handle({ ...action, type: 'transferEnded' });
      return;
    }
    if (action.type === 'refuse') return this.#refuse(neighbour);
    const uploads = this.#of(neighbour.peer);
    const key = keyOf(neighbour.swarm, action.piece);
    const upload = uploads.get(key);
    if (action.type === 'reject') {
      uploads.delete(key);
      this.#reject(neighbour, action.piece, action.reason);
    } else if (!upload || upload.handle || !this.#start(upload)) {
      this.#handle({ ...action, type: 'transferEnded' });
    }
  }

  #serveCredit({ peer, swarm }: { peer: number; swarm: number }, neighbour: Neighbour | undefined): void {
    const piece = neighbour?.swarm.side.serveCredit(neighbour);
    if (!neighbour || piece === undefined) {
      neighbour?.peer.link.send({ type: 'refuse', channel: neighbour.channel });
      return this.#handle({ type: 'creditUnserved', peer, swarm });
    }
    // A plain request of the same piece is answered by the offer.
    if (this.#of(neighbour.peer).has(keyOf(neighbour.swarm, piece))) this.cancel(neighbour, piece);
    const upload: Upload = { neighbour, piece, offered: true, handle: undefined };
    neighbour.peer.link.send({ type: 'offer', channel: neighbour.channel, piece });
    if (this.#start(upload)) return;
    neighbour.swarm.side.offerEnded(neighbour, piece, false);
    this.#reject(neighbour, piece, 'overloaded');
    this.#handle({ type: 'transferEnded', peer, swarm, piece });
  }

  #start(upload: Upload): boolean {
    const { neighbour, piece } = upload;
    const { peer, swarm, channel } = neighbour;
    const uplink = peer.link.uplink;
    if (!uplink) {
      this.#of(peer).delete(keyOf(swarm, piece));
      return false;
    }
    this.#of(peer).set(keyOf(swarm, piece), upload);
    upload.handle = uplink.start({
      channel,
      piece,
      ...swarm.span(piece),
      reader: swarm.reader,
      throttle: swarm.throttle,
      onProgress: (bytes) => {
        this.#meter.add(bytes, this.#options.clock());
        this.#options.events.bytesSent?.(peer.role, bytes, swarm.id);
      },
      onEnd: (ok) => this.#ended(upload, ok),
    });
    return true;
  }

  /** The slot is free at once; the chunk under way still goes out. */
  #abort(upload: Upload, handle: TransferHandle): void {
    this.#ending.add(upload);
    upload.neighbour.peer.link.uplink?.cancel(handle);
    this.#report(upload, false);
  }

  #ended(upload: Upload, ok: boolean): void {
    const { neighbour, piece } = upload;
    if (!this.#ending.delete(upload)) {
      const uploads = this.#uploads.get(neighbour.peer);
      if (uploads?.get(keyOf(neighbour.swarm, piece)) === upload) uploads.delete(keyOf(neighbour.swarm, piece));
      this.#report(upload, ok);
    }
    for (const check of [...this.#waiters]) check();
  }

  #report({ neighbour, piece, offered }: Upload, ok: boolean): void {
    const { peer, swarm } = neighbour;
    if (this.#uploads.get(peer)?.size === 0) this.#uploads.delete(peer);
    if (offered) swarm.side.offerEnded(neighbour, piece, ok);
    this.#handle({ type: 'transferEnded', peer: peer.id, swarm: swarm.handle, piece });
  }

  #busy(swarm: Swarm | undefined): boolean {
    for (const upload of this.#ending) if (!swarm || upload.neighbour.swarm === swarm) return true;
    for (const uploads of this.#uploads.values()) {
      for (const upload of uploads.values()) if (!swarm || upload.neighbour.swarm === swarm) return true;
    }
    return false;
  }

  #reject(neighbour: Neighbour, piece: PieceIndex, reason: 'gone' | 'overloaded' | 'notHeld'): void {
    neighbour.peer.link.send({ type: 'reject', channel: neighbour.channel, piece, reason });
    this.#options.events.requestRejected?.(reason);
  }

  /** A credit that gets no turn. */
  #refuse(neighbour: Neighbour): void {
    neighbour.swarm.side.creditLost(neighbour);
    neighbour.peer.link.send({ type: 'refuse', channel: neighbour.channel });
  }

  #of(peer: Peer): Map<number, Upload> {
    let uploads = this.#uploads.get(peer);
    if (!uploads) this.#uploads.set(peer, (uploads = new Map<number, Upload>()));
    return uploads;
  }
}

const keyOf = (swarm: Swarm, piece: PieceIndex): number => swarm.handle * pieceCountMax + piece;
