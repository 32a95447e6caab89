import { type UploadLimits, UploadQueue, type UploadRank } from '@shoal/swarm';
import type { Flow } from './network.ts';
import type { World } from './world.ts';

/** What the two kinds of nodes do differently when they upload. */
export interface UploaderHooks {
  readonly rank: UploadRank;
  /** The piece for a credit; an agent gives none. */
  serve(peer: number): number | undefined;
  ended(peer: number, piece: number, ok: boolean): void;
  /** Whether this copy goes out corrupt. */
  corrupts(): boolean;
}

/** The shell of an UploadQueue in a simulated node: carries its actions out as flows. */
export class Uploader {
  readonly queue: UploadQueue;
  readonly #world: World;
  readonly #id: number;
  readonly #hooks: UploaderHooks;
  readonly #flows = new Map<string, Flow>();
  #timer = -1;

  constructor(world: World, id: number, limits: Partial<UploadLimits>, hooks: UploaderHooks) {
    this.#world = world;
    this.#id = id;
    this.#hooks = hooks;
    this.queue = new UploadQueue({ limits, rank: hooks.rank });
  }

  handle(event: Parameters<UploadQueue['handle']>[0]): void {
    const { world, queue } = { world: this.#world, queue: this.queue };
    queue.handle({ type: 'egress', bytesPerSecond: world.network.egress(this.#id) * 1000 }, world.events.nowMs);
    queue.handle(event, world.events.nowMs);
    this.#act();
    this.#arm();
  }

  /** CANCEL from the peer: stops a running transfer too. */
  cancel(peer: number, piece: number): void {
    this.handle({ type: 'cancel', peer, swarm: 0, piece });
    const flow = this.#flows.get(`${peer}/${piece}`);
    if (flow) this.#end(peer, piece, flow, false);
  }

  peerLeft(peer: number): void {
    for (const [key, flow] of [...this.#flows]) {
      if (flow.to !== peer) continue;
      this.#world.wasted(this.#world.network.stop(flow));
      this.#flows.delete(key);
      this.#hooks.ended(peer, Number(key.slice(key.indexOf('/') + 1)), false);
    }
    this.handle({ type: 'peerLeft', peer });
  }

  /** The node died: nothing moves any more. */
  stop(): void {
    for (const flow of this.#flows.values()) this.#world.wasted(this.#world.network.stop(flow));
    this.#flows.clear();
    this.#world.events.cancel(this.#timer);
  }

  #act(): void {
    const { queue } = this;
    for (let action = queue.poll(); action; action = queue.poll()) {
      const { peer } = action;
      if (action.type === 'start') this.#start(peer, action.piece);
      else if (action.type === 'reject') this.#world.send(this.#id, peer, { type: 'reject', piece: action.piece });
      else if (action.type === 'refuse') this.#world.send(this.#id, peer, { type: 'refuse' });
      else {
        const piece = this.#hooks.serve(peer);
        if (piece === undefined) {
          this.#world.send(this.#id, peer, { type: 'refuse' });
          queue.handle({ type: 'creditUnserved', peer, swarm: 0 }, this.#world.events.nowMs);
        } else {
          this.#world.send(this.#id, peer, { type: 'offer', piece });
          this.#start(peer, piece);
        }
      }
    }
  }

  #start(peer: number, piece: number): void {
    const { network } = this.#world;
    this.#world.send(this.#id, peer, { type: 'dataBegin', piece });
    const flow = network.start({ from: this.#id, to: peer, piece, bytes: this.#world.pieceBytes(piece) }, () =>
      this.#end(peer, piece, flow, true),
    );
    this.#flows.set(`${peer}/${piece}`, flow);
  }

  #end(peer: number, piece: number, flow: Flow, ok: boolean): void {
    this.#flows.delete(`${peer}/${piece}`);
    if (ok) this.#world.sent(this.#id, peer, piece, this.#hooks.corrupts());
    else this.#world.wasted(this.#world.network.stop(flow));
    this.#hooks.ended(peer, piece, ok);
    this.handle({ type: 'transferEnded', peer, swarm: 0, piece });
  }

  #arm(): void {
    const { events } = this.#world;
    const inMs = this.queue.nextTimeoutMs(events.nowMs);
    if (inMs === undefined || this.#timer >= 0) return;
    this.#timer = events.schedule(events.nowMs + inMs, () => {
      this.#timer = -1;
      this.handle({ type: 'timer' });
    });
  }
}
