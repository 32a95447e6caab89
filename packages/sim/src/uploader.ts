import { type UploadEvent, type UploadLimits, UploadQueue, type UploadRank } from '@shoal/swarm';
import type { Flow } from './network.ts';
import type { World } from './world.ts';

/** What the two kinds of nodes do differently when they upload. */
export interface UploaderHooks {
  readonly rank: UploadRank;
  /** The piece for a credit; an agent gives none. */
  serve(blob: number, peer: number): number | undefined;
  ended(blob: number, peer: number, piece: number, ok: boolean): void;
  /** Whether this copy goes out corrupt. */
  corrupts(): boolean;
}

/** Under this share of its limit a node may open one more upload: what EgressGate decides by. */
const gateShare = 0.985;

/** The shell of an UploadQueue in a simulated node: carries its actions out as flows. A swarm is named by its blob. */
export class Uploader {
  readonly queue: UploadQueue;
  readonly #world: World;
  readonly #id: number;
  readonly #hooks: UploaderHooks;
  readonly #flows = new Set<Flow>();
  readonly #egressMax: number | undefined;
  #timer = -1;
  #stopped = false;

  constructor(world: World, id: number, limits: Partial<UploadLimits>, hooks: UploaderHooks) {
    this.#world = world;
    this.#id = id;
    this.#hooks = hooks;
    this.#egressMax = limits.egressMax;
    this.queue = new UploadQueue({ limits, rank: hooks.rank });
  }

  handle(event: UploadEvent): void {
    if (this.#stopped) return;
    const { events, network } = this.#world;
    this.queue.handle({ type: 'egress', bytesPerSecond: network.egress(this.#id) * 1000 }, events.nowMs);
    this.queue.handle(event, events.nowMs);
    this.#act();
    this.#arm();
  }

  /** CANCEL from the peer: stops a running transfer too. */
  cancel(blob: number, peer: number, piece: number): void {
    this.handle({ type: 'cancel', peer, swarm: blob, piece });
    for (const flow of this.#flows) {
      if (flow.to !== peer || flow.piece !== piece || flow.blob !== blob) continue;
      this.#end(flow, false);
      return;
    }
  }

  /** The peer left this swarm, or (`last`) the link is gone. */
  peerLeft(blob: number, peer: number, last: boolean): void {
    for (const flow of this.#flows) {
      if (flow.to !== peer || flow.blob !== blob) continue;
      this.#world.wasted(this.#world.network.stop(flow));
      this.#flows.delete(flow);
      this.#hooks.ended(blob, peer, flow.piece, false);
      if (!last) this.queue.handle({ type: 'transferEnded', peer, swarm: blob, piece: flow.piece }, this.#nowMs);
    }
    this.handle(last ? { type: 'peerLeft', peer } : { type: 'swarmLeft', swarm: blob, peer });
  }

  /** The node died: nothing moves any more. */
  stop(): void {
    this.#stopped = true;
    for (const flow of this.#flows) this.#world.wasted(this.#world.network.stop(flow));
    this.#flows.clear();
    this.#world.events.cancel(this.#timer);
  }

  get #nowMs(): number {
    return this.#world.events.nowMs;
  }

  #act(): void {
    const { queue } = this;
    for (let action = queue.poll(); action; action = queue.poll()) {
      const { peer, swarm: blob } = action;
      if (action.type === 'start') this.#start(blob, peer, action.piece);
      else if (action.type === 'reject')
        this.#world.send(blob, this.#id, peer, { type: 'reject', piece: action.piece });
      else if (action.type === 'refuse') this.#world.send(blob, this.#id, peer, { type: 'refuse' });
      else {
        const piece = this.#hooks.serve(blob, peer);
        if (piece === undefined) {
          this.#world.send(blob, this.#id, peer, { type: 'refuse' });
          queue.handle({ type: 'creditUnserved', peer, swarm: blob }, this.#nowMs);
        } else {
          this.#world.send(blob, this.#id, peer, { type: 'offer', piece });
          this.#start(blob, peer, piece);
        }
      }
    }
  }

  #start(blob: number, to: number, piece: number): void {
    const world = this.#world;
    world.send(blob, this.#id, to, { type: 'dataBegin', piece });
    const bytes = world.pieceBytes(blob, piece);
    const flow = world.network.start({ from: this.#id, to, blob, piece, bytes }, () => this.#end(flow, true));
    this.#flows.add(flow);
  }

  #end(flow: Flow, ok: boolean): void {
    const { blob, to, piece } = flow;
    this.#flows.delete(flow);
    if (ok) this.#world.sent(flow, this.#hooks.corrupts());
    else this.#world.wasted(this.#world.network.stop(flow));
    this.#hooks.ended(blob, to, piece, ok);
    this.handle({ type: 'transferEnded', peer: to, swarm: blob, piece });
  }

  /** A look at the egress while somebody waits; the queue is not asked when the gate can not open anyway. */
  #arm(): void {
    const { events, network } = this.#world;
    const inMs = this.queue.nextTimeoutMs(events.nowMs);
    if (inMs === undefined || this.#timer >= 0) return;
    this.#timer = events.schedule(events.nowMs + inMs, () => {
      this.#timer = -1;
      const shut = this.#egressMax !== undefined && network.egress(this.#id) * 1000 >= this.#egressMax * gateShare;
      if (shut) this.#arm();
      else this.handle({ type: 'timer' });
    });
  }
}
