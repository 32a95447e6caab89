import { Bitfield, pieceCountOf } from '@shoal/core';
import {
  type GatewayPlace,
  Leech,
  type LeechAction,
  type LeechEvent,
  type PeerRole,
  outstandingFor,
} from '@shoal/swarm';
import type { SimMember, SimMessage } from './messages.ts';
import { Rules } from './rules.ts';
import type { SimAgent } from './sim-agent.ts';
import type { World } from './world.ts';

/** One blob at one agent: a Leech over the simulated network with a client that reads in order, watched by Rules. */
export class SimDownload implements SimMember {
  readonly node: SimAgent;
  readonly blob: number;
  readonly links = new Set<number>();
  readonly leech: Leech;
  readonly #pieceCount: number;
  degree = 0;
  dialling = 0;
  readonly #world: World;
  readonly #rules: Rules;
  /** Pieces that an origin sends, by origin. */
  readonly #offered = new Map<number, Set<number>>();
  readonly #banned = new Set<number>();
  #cursor = 0;
  #timer = -1;

  constructor(world: World, node: SimAgent, blob: number) {
    const { seed, leech, blobs, blobsAtOnce } = world.options;
    const { bytes: size, pieceLength } = world.blob(blob);
    const pieceCount = pieceCountOf(size, pieceLength);
    this.node = node;
    this.blob = blob;
    this.#world = world;
    this.#pieceCount = pieceCount;
    // Several blobs at once share what a host may have out. Source: shared/design/swarm.md, "Outstanding requests".
    const shared =
      blobs.length > 1 && blobsAtOnce > 1 ? { outstandingMax: Math.min(8, outstandingFor(pieceCount)) } : {};
    const limits = { ...shared, ...leech };
    this.leech = new Leech({
      pieceCount,
      pieceLength,
      size,
      have: new Bitfield(pieceCount),
      prng: world.prng,
      limits,
    });
    this.#rules = new Rules(seed, node.id, limits.outstandingMax ?? outstandingFor(pieceCount));
    if (world.options.readers) this.#handle({ type: 'readers', cursors: [0] });
  }

  get complete(): boolean {
    return this.leech.complete;
  }

  have(): Bitfield {
    return this.leech.have.clone();
  }

  holds(piece: number): boolean {
    return this.leech.have.has(piece);
  }

  refuses(peer: number): boolean {
    return this.#banned.has(peer);
  }

  linkUp(peer: number, role: PeerRole, have: Bitfield): void {
    this.links.add(peer);
    if (this.#world.node(peer).role === 'agent') this.degree++;
    this.#handle({ type: 'peerJoined', peer, role, have, abroad: this.#world.network.crosses(peer, this.node.id) });
  }

  /** What the tracker says of this node's part in its zone. */
  gateway(place: GatewayPlace | undefined): void {
    this.#handle({ type: 'gateway', place });
  }

  /** So many downloads are under way at this node. */
  running(downloads: number): void {
    if (!this.complete) this.#handle({ type: 'running', downloads });
  }

  linkDown(peer: number): void {
    if (!this.links.delete(peer)) return;
    if (this.#world.node(peer).role === 'agent') this.degree--;
    this.#forget(peer);
    this.node.uploader.peerLeft(this.blob, peer, !this.node.linkedTo(peer));
    this.#handle({ type: 'peerLeft', peer });
  }

  stop(): void {
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
        this.node.uploader.cancel(this.blob, from, message.piece);
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
        this.#send(from, { type: 'refuse' });
        break;
    }
  }

  #send(to: number, message: SimMessage): void {
    this.#world.send(this.blob, this.node.id, to, message);
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
    this.node.uploader.handle({
      type: 'request',
      peer: from,
      swarm: this.blob,
      piece,
      bytes: this.#world.pieceBytes(this.blob, piece),
      availability: leech.availability(piece),
      requesterHeld: leech.heldBy(from),
    });
  }

  #received(from: number, piece: number, corrupt: boolean): void {
    this.#rules.ended(from, piece);
    this.#offers(from).delete(piece);
    const bytes = this.#world.pieceBytes(this.blob, piece);
    const { tally, events } = this.#world;
    if (this.leech.have.has(piece)) this.#world.wasted(bytes);
    else if (corrupt) {
      this.#world.wasted(bytes);
      tally.corruptPieces++;
      this.#handle({ type: 'pieceCorrupt', peer: from, piece });
      if (this.leech.have.has(piece)) tally.corruptAccepted++;
    } else {
      this.#handle({ type: 'pieceVerified', peer: from, piece });
      this.#world.timeline.gained(events.nowMs, piece / this.#pieceCount);
      this.#read();
    }
  }

  #read(): void {
    if (!this.#world.options.readers) return;
    const next = this.leech.have.firstMissing(this.#cursor);
    if (next === this.#cursor) return;
    if (this.#cursor === 0) this.node.firstByteMs ??= this.#world.events.nowMs;
    this.#cursor = next;
    this.#handle({ type: 'readers', cursors: this.leech.complete ? [] : [next] });
  }

  /** What a shell reports chunk by chunk: which transfers moved since the last look. */
  #reportProgress(): void {
    const { network, events } = this.#world;
    for (const flow of network.flowsTo(this.node.id)) {
      if (flow.blob === this.blob && network.rate(flow) > 0 && this.leech.isAsked(flow.from, flow.piece)) {
        this.leech.handle({ type: 'progress', peer: flow.from, piece: flow.piece, bytes: 1 }, events.nowMs);
      }
    }
  }

  #handle(event: LeechEvent): void {
    if (!this.node.alive) return;
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
        this.#send(action.peer, { type: 'request', piece: action.piece });
        break;
      case 'cancel':
        world.tally.cancels++;
        this.#rules.ended(action.peer, action.piece);
        this.#offers(action.peer).delete(action.piece);
        this.#send(action.peer, { type: 'cancel', piece: action.piece });
        break;
      case 'wantAny':
        this.#send(action.peer, { type: 'wantAny', haveDelta: action.haveDelta, prefer: action.prefer });
        break;
      case 'have': {
        const { length: queueLength } = this.node.uploader.queue;
        world.tell(this.blob, this.node.id, action.peers, { type: 'have', piece: action.piece, queueLength });
        break;
      }
      case 'starved':
        world.tally.starved++;
        world.tracker.starved(this);
        break;
      case 'dropPeer':
        world.tally.dropped++;
        if (action.reason === 'corrupt') this.#banned.add(action.peer);
        this.#forget(action.peer);
        world.disconnect(this, action.peer);
        break;
      case 'complete':
        this.node.completed(this);
        break;
    }
  }

  #check(peer: number, piece: number): void {
    const { have } = this.leech;
    this.#rules.requested(peer, piece, {
      holds: this.#world.node(peer).member(this.blob)?.holds(piece) ?? false,
      held: have.has(piece),
      missing: have.length - have.count,
      offered: () => [...this.#offered.values()].flatMap((pieces) => [...pieces]),
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
