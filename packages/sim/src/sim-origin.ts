import { Bitfield, pieceCountOf } from '@shoal/core';
import { SuperSeed, type SuperSeedEvent } from '@shoal/swarm';
import type { SimMember, SimMessage, SimNode } from './messages.ts';
import { Uploader } from './uploader.ts';
import type { World } from './world.ts';

/** An origin: one UploadQueue, and a SuperSeed for every blob it owns. */
export class SimOrigin implements SimNode {
  readonly id: number;
  readonly role = 'origin';
  readonly zone = 0;
  readonly cutOff = false;
  readonly uploader: Uploader;
  alive = true;
  readonly #seeds: readonly (OriginMember | undefined)[];

  constructor(world: World, id: number, originIndex: number) {
    const { originUp, agentUp, upload, egressKnown, blobs } = world.options;
    this.id = id;
    const activeMax = Math.max(16, Math.ceil((4 * originUp) / agentUp));
    this.uploader = new Uploader(
      world,
      id,
      { activeMax, ...(egressKnown && { egressMax: originUp * 1000 }), ...upload },
      {
        rank: {
          availability: (blob, piece) => this.#seeds[blob]?.superSeed.availability(piece) ?? 0,
          credit: (blob) => this.#seeds[blob]?.superSeed.creditRank ?? 0,
          held: (blob, peer) => this.#seeds[blob]?.superSeed.heldBy(peer) ?? 0,
        },
        serve: (blob, peer) => this.#seeds[blob]?.superSeed.serve(peer, world.events.nowMs),
        ended: (blob, peer, piece, ok) => this.#seeds[blob]?.handle({ type: 'offerEnded', peer, piece, ok }),
        corrupts: () => false,
      },
    );
    this.#seeds = blobs.map((_, blob) => {
      const place = world.ownersOf(blob).indexOf(originIndex);
      return place < 0 ? undefined : new OriginMember(world, this, blob, place);
    });
  }

  member(blob: number): SimMember | undefined {
    return this.#seeds[blob];
  }

  *members(): Generator<SimMember> {
    for (const seed of this.#seeds) if (seed) yield seed;
  }

  linkedTo(peer: number): boolean {
    return this.#seeds.some((seed) => seed?.links.has(peer));
  }

  stop(): void {
    this.alive = false;
    this.uploader.stop();
  }
}

class OriginMember implements SimMember {
  readonly node: SimOrigin;
  readonly blob: number;
  readonly links = new Set<number>();
  readonly degree = 0;
  dialling = 0;
  readonly superSeed: SuperSeed;
  readonly #world: World;
  readonly #pieceCount: number;
  /** Pieces that it has received itself: all, or a beginning that grows. */
  #received: number;

  constructor(world: World, node: SimOrigin, blob: number, originIndex: number) {
    const { originReceives, superSeed } = world.options;
    this.node = node;
    this.blob = blob;
    this.#world = world;
    const { bytes, pieceLength } = world.blob(blob);
    this.#pieceCount = pieceCountOf(bytes, pieceLength);
    const growing = originReceives > 0;
    this.#received = growing ? 0 : this.#pieceCount;
    this.superSeed = new SuperSeed({
      pieceCount: this.#pieceCount,
      prng: world.prng,
      originIndex,
      originCount: world.ownersOf(blob).length,
      growing,
      ...superSeed,
    });
    if (growing) this.#receive();
  }

  get complete(): boolean {
    return this.#received === this.#pieceCount;
  }

  have(): Bitfield {
    const field = new Bitfield(this.#pieceCount);
    for (let piece = 0; piece < this.#received; piece++) field.set(piece);
    return field;
  }

  holds(piece: number): boolean {
    return piece < this.#received;
  }

  refuses(): boolean {
    return false;
  }

  linkUp(peer: number, _role: string, have: Bitfield): void {
    this.links.add(peer);
    this.handle({ type: 'peerJoined', peer, have, abroad: this.#world.network.crosses(peer, this.node.id) });
  }

  linkDown(peer: number): void {
    if (!this.links.delete(peer)) return;
    this.handle({ type: 'peerLeft', peer });
    this.node.uploader.peerLeft(this.blob, peer, !this.node.linkedTo(peer));
  }

  receive(from: number, message: SimMessage): void {
    const { uploader } = this.node;
    if (message.type === 'wantAny') {
      this.handle({ type: 'wantAny', peer: from, haveDelta: message.haveDelta, prefer: message.prefer });
    } else if (message.type === 'have') {
      this.handle({ type: 'peerHave', peer: from, piece: message.piece });
    } else if (message.type === 'request') {
      const { piece } = message;
      const bytes = this.#world.pieceBytes(this.blob, piece);
      const [availability, requesterHeld] = [this.superSeed.availability(piece), this.superSeed.heldBy(from)];
      uploader.handle({ type: 'request', peer: from, swarm: this.blob, piece, bytes, availability, requesterHeld });
    } else if (message.type === 'cancel') {
      uploader.cancel(this.blob, from, message.piece);
    }
  }

  handle(event: SuperSeedEvent): void {
    const { superSeed, blob } = this;
    superSeed.handle(event, this.#world.events.nowMs);
    for (let action = superSeed.poll(); action; action = superSeed.poll()) {
      const { peer } = action;
      if (action.type === 'refuse') this.#world.send(blob, this.node.id, peer, { type: 'refuse' });
      else {
        const bytes = this.#world.blob(blob).pieceLength;
        this.node.uploader.handle({
          type: 'credit',
          peer,
          swarm: blob,
          bytes,
          requesterHeld: superSeed.heldBy(peer),
        });
      }
    }
  }

  /** A cold blob comes in order; each piece can be served as soon as it is here, and neighbours hear of it. */
  #receive(): void {
    const { events, options } = this.#world;
    const bytes = this.#world.pieceBytes(this.blob, this.#received);
    events.schedule(events.nowMs + bytes / options.originReceives, () => {
      if (!this.node.alive) return;
      const piece = this.#received++;
      this.handle({ type: 'pieceAvailable', piece });
      this.#world.tell(this.blob, this.node.id, [...this.links], { type: 'have', piece, queueLength: 0 });
      if (!this.complete) this.#receive();
      else this.#world.originReceivedMs = events.nowMs;
    });
  }
}
