import { Bitfield, type PieceIndex } from '@shoal/core';
import type { Have } from '@shoal/protocol';
import type { Neighbour, SwarmMessage, SwarmSide } from './neighbour.ts';
import { ServingSide } from './serving-side.ts';
import { checkPiece, type Swarm } from './swarm.ts';

/** A peer that only serves: all of a blob, or the pieces that it has. It asks nobody for anything. */
export class SeedSide extends ServingSide implements SwarmSide {
  readonly #swarm: Swarm;
  readonly #have: Bitfield;
  readonly #held = new Map<number, Bitfield>();
  readonly #availability: Uint16Array;

  constructor(swarm: Swarm, have: Bitfield) {
    super();
    this.#swarm = swarm;
    this.#have = have;
    this.#availability = new Uint16Array(have.length);
  }

  have(): Have {
    return haveOf(this.#have);
  }

  holds(piece: PieceIndex): boolean {
    return this.#have.has(piece);
  }

  joined(neighbour: Neighbour, have: Bitfield): void {
    this.#held.set(neighbour.peer.id, have);
    this.#count(have, 1);
    this.#leaveIfComplete(neighbour, have);
  }

  left(neighbour: Neighbour): void {
    const held = this.#held.get(neighbour.peer.id);
    if (held) this.#count(held, -1);
    this.#held.delete(neighbour.peer.id);
  }

  message(neighbour: Neighbour, message: SwarmMessage): void {
    if (message.type === 'wantAny') return neighbour.peer.link.send({ type: 'refuse', channel: neighbour.channel });
    if (message.type !== 'have') return;
    checkPiece(this.#swarm, message.piece);
    const held = this.#held.get(neighbour.peer.id);
    if (!held?.set(message.piece)) return;
    this.#availability[message.piece] = (this.#availability[message.piece] ?? 0) + 1;
    this.#leaveIfComplete(neighbour, held);
  }

  availability(piece: PieceIndex): number {
    return this.#availability[piece] ?? 0;
  }

  heldBy(peer: number): number {
    return this.#held.get(peer)?.count ?? 0;
  }

  serveCredit(): undefined {
    return undefined;
  }

  creditLost(): void {}

  offerEnded(): void {}

  /** Two complete peers have nothing to say to each other. */
  #leaveIfComplete(neighbour: Neighbour, held: Bitfield): void {
    if (held.complete && this.#have.complete) this.#swarm.leave(neighbour);
  }

  #count(held: Bitfield, by: 1 | -1): void {
    for (let piece = 0; piece < held.length; piece++) {
      if (held.has(piece)) this.#availability[piece] = (this.#availability[piece] ?? 0) + by;
    }
  }
}

/** A bitfield as JOIN carries it. */
export const haveOf = (have: Bitfield): Have => (have.complete ? 'all' : have.count === 0 ? 'none' : have.toBytes());
