import { Bitfield } from '@shoal/core';
import { Leech, type LeechAction, type LeechEvent, type PeerRole, outstandingFor } from '@shoal/swarm';
import type { SimMessage, SimNode } from './messages.ts';
import { Rules } from './rules.ts';
import { Uploader } from './uploader.ts';
import type { World } from './world.ts';

/** An agent: Leech and UploadQueue over the simulated network, watched by Rules. */
export class SimAgent implements SimNode {
  readonly id: number;
  readonly role = 'agent';
  readonly links = new Set<number>();
  readonly leech: Leech;
  alive = true;
  doneMs: number | undefined;
  /** Agents among the links. */
  degree = 0;
  readonly #world: World;
  readonly #uploader: Uploader;
  readonly #rules: Rules;
  /** Pieces that an origin sends, by origin. */
  readonly #offered = new Map<number, Set<number>>();
  readonly #banned = new Set<number>();
  readonly #corrupt: boolean;
  #cursor = 0;
  #timer = -1;

  constructor(world: World, id: number, corrupt: boolean) {
    const { pieceCount, pieceLength, seed, leech, upload, agentUp, egressKnown } = world.options;
    this.id = id;
    this.#world = world;
    this.#corrupt = corrupt;
    const have = new Bitfield(pieceCount);
    this.leech = new Leech({
      pieceCount,
      pieceLength,
      size: pieceCount * pieceLength,
      have,
      prng: world.prng,
      limits: leech,
    });
    this.#rules = new Rules(seed, id, leech.outstandingMax ?? outstandingFor(pieceCount));
    this.#uploader = new Uploader(
      world,
      id,
      { egressMax: egressKnown ? agentUp * 1000 : undefined, ...upload },
      {
        rank: {
          availability: (_swarm, piece) => this.leech.availability(piece),
          held: (_swarm, peer) => this.leech.heldBy(peer),
        },
        serve: () => undefined,
        ended: () => undefined,
        corrupts: () => this.#corrupt && world.prng() < world.options.corruptShare,
      },
    );
  }

  have(): Bitfield {
    return this.leech.have.clone();
  }

  start(): void {
    if (this.#world.options.readers) this.#handle({ type: 'readers', cursors: [0] });
  }

  refuses(peer: number): boolean {
    return this.#banned.has(peer);
  }

  linkUp(peer: number, role: PeerRole, have: Bitfield): void {
    this.links.add(peer);
    if (role === 'agent') this.degree++;
    this.#handle({ type: 'peerJoined', peer, role, have });
  }

  linkDown(peer: number): void {
    if (!this.links.delete(peer)) return;
    if (this.#world.node(peer).role === 'agent') this.degree--;
    this.#forget(peer);
    this.#uploader.peerLeft(peer);
    this.#handle({ type: 'peerLeft', peer });
  }

  stop(): void {
    this.alive = false;
    this.#uploader.stop();
    this.#world.events.cancel(this.#timer);
  }

  receive(from: number, message: SimMessage): void {
    switch (message.type) {
      case 'have':
        this.#handle({ type: 'peerHave', peer: from, piece: message.piece, queueLength: message.queueLength });
        break;
      case 'request':
        this.#requested(from, message.piece);
        break;
      case 'cancel':
        this.#uploader.cancel(from, message.piece);
        break;
      case 'reject':
        this.#rules.ended(from, message.piece);
        this.#handle({ type: 'rejected', peer: from, piece: message.piece, reason: 'overloaded' });
        break;
      case 'offer':
        this.#offers(from).add(message.piece);
        this.#handle({ type: 'offer', peer: from, piece: message.piece });
        break;
      case 'refuse':
        this.#world.tally.refusals++;
        this.#handle({ type: 'refused', peer: from });
        break;
      case 'dataBegin':
        this.#handle({ type: 'progress', peer: from, piece: message.piece, bytes: 0 });
        break;
      case 'data':
        this.#received(from, message.piece, message.corrupt);
        break;
      case 'wantAny':
        this.#world.send(this.id, from, { type: 'refuse' });
        break;
    }
  }

  #forget(peer: number): void {
    this.#rules.peerLeft(peer);
    this.#offered.delete(peer);
  }

  #offers(origin: number): Set<number> {
    let offers = this.#offered.get(origin);
    if (!offers) this.#offered.set(origin, (offers = new Set()));
    return offers;
  }

  #requested(from: number, piece: number): void {
    const { leech } = this;
    const bytes = this.#world.pieceBytes(piece);
    this.#uploader.handle({
      type: 'request',
      peer: from,
      swarm: 0,
      piece,
      bytes,
      availability: leech.availability(piece),
      requesterHeld: leech.heldBy(from),
    });
  }

  #received(from: number, piece: number, corrupt: boolean): void {
    this.#rules.ended(from, piece);
    this.#offers(from).delete(piece);
    const bytes = this.#world.pieceBytes(piece);
    if (this.leech.have.has(piece)) this.#world.wasted(bytes);
    else if (corrupt) {
      this.#world.wasted(bytes);
      this.#world.tally.corruptPieces++;
      this.#handle({ type: 'pieceCorrupt', peer: from, piece });
    } else {
      this.#handle({ type: 'pieceVerified', peer: from, piece });
      this.#read();
    }
  }

  #read(): void {
    if (!this.#world.options.readers) return;
    const next = this.leech.have.firstMissing(this.#cursor);
    if (next === this.#cursor) return;
    this.#cursor = next;
    this.#handle({ type: 'readers', cursors: this.leech.complete ? [] : [next] });
  }

  /** What a shell reports chunk by chunk: which transfers moved since the last look. */
  #reportProgress(): void {
    const { network, events } = this.#world;
    for (const flow of network.flowsTo(this.id)) {
      if (flow.rate > 0 && this.leech.isAsked(flow.from, flow.piece)) {
        this.leech.handle({ type: 'progress', peer: flow.from, piece: flow.piece, bytes: 1 }, events.nowMs);
      }
    }
  }

  #handle(event: LeechEvent): void {
    if (!this.alive) return;
    if (event.type === 'timer') this.#reportProgress();
    this.leech.handle(event, this.#world.events.nowMs);
    for (let action = this.leech.poll(); action; action = this.leech.poll()) this.#act(action);
    this.#arm();
  }

  #act(action: LeechAction): void {
    const world = this.#world;
    switch (action.type) {
      case 'request':
        world.tally.requests++;
        this.#check(action.peer, action.piece);
        world.send(this.id, action.peer, { type: 'request', piece: action.piece });
        break;
      case 'cancel':
        world.tally.cancels++;
        this.#rules.ended(action.peer, action.piece);
        this.#offers(action.peer).delete(action.piece);
        world.send(this.id, action.peer, { type: 'cancel', piece: action.piece });
        break;
      case 'wantAny':
        world.send(this.id, action.peer, { type: 'wantAny', haveDelta: action.haveDelta, prefer: action.prefer });
        break;
      case 'have':
        world.broadcast(this.id, action.peers, {
          type: 'have',
          piece: action.piece,
          queueLength: this.#uploader.queue.length,
        });
        break;
      case 'starved':
        world.tally.starved++;
        world.announce(this);
        break;
      case 'dropPeer':
        world.tally.dropped++;
        if (action.reason === 'corrupt') this.#banned.add(action.peer);
        this.#forget(action.peer);
        world.disconnect(this.id, action.peer);
        break;
      case 'complete':
        this.doneMs = world.events.nowMs;
        world.completed();
        break;
    }
  }

  #check(peer: number, piece: number): void {
    const { have } = this.leech;
    const holds = this.#world.node(peer).have().has(piece);
    this.#rules.requested(peer, piece, {
      holds,
      held: have.has(piece),
      missing: have.length - have.count,
      offered: new Set([...this.#offered.values()].flatMap((pieces) => [...pieces])),
    });
  }

  #arm(): void {
    const { events } = this.#world;
    const inMs = this.leech.nextTimeoutMs(events.nowMs);
    if (inMs === undefined) return;
    const dueMs = events.nowMs + inMs;
    if (this.#timer < 0) {
      this.#timer = events.schedule(dueMs, () => {
        this.#timer = -1;
        this.#handle({ type: 'timer' });
      });
    } else if (dueMs < events.timeOf(this.#timer)) events.move(this.#timer, dueMs);
  }
}
