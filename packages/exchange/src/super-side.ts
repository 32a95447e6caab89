import type { Bitfield, PieceIndex, Prng } from '@shoal/core';
import type { Have } from '@shoal/protocol';
import { SuperSeed, type SuperSeedEvent } from '@shoal/swarm';
import type { Neighbour, SwarmMessage, SwarmSide } from './neighbour.ts';
import { ServingSide } from './serving-side.ts';
import { checkPiece, type Swarm } from './swarm.ts';
import type { Uploads } from './uploads.ts';

export interface SuperSideOptions {
  readonly uploads: Uploads;
  readonly prng: Prng;
  readonly clock: () => number;
  readonly originIndex?: number;
  readonly originCount?: number;
}

/** An origin in one swarm: it chooses which piece enters the swarm next, and answers plain requests as well. */
export class SuperSide extends ServingSide implements SwarmSide {
  readonly #swarm: Swarm;
  readonly #options: SuperSideOptions;
  readonly #machine: SuperSeed;
  #pumping = false;

  constructor(swarm: Swarm, options: SuperSideOptions) {
    super();
    const { prng, originIndex = 0, originCount = 1 } = options;
    this.#swarm = swarm;
    this.#options = options;
    this.#machine = new SuperSeed({ pieceCount: swarm.pieceCount, prng, originIndex, originCount });
  }

  /** Pieces sent in full, divided by the pieces of the blob. */
  get copiesSent(): number {
    return this.#machine.copiesSent;
  }

  have(): Have {
    return 'all';
  }

  holds(): boolean {
    return true;
  }

  joined(neighbour: Neighbour, have: Bitfield): void {
    this.#handle({ type: 'peerJoined', peer: neighbour.peer.id, have });
  }

  left(neighbour: Neighbour): void {
    this.#handle({ type: 'peerLeft', peer: neighbour.peer.id });
  }

  message(neighbour: Neighbour, message: SwarmMessage): void {
    const peer = neighbour.peer.id;
    if (message.type === 'have') {
      checkPiece(this.#swarm, message.piece);
      this.#handle({ type: 'peerHave', peer, piece: message.piece });
    } else if (message.type === 'wantAny') {
      const { haveDelta, prefer = [] } = message;
      for (const piece of haveDelta) checkPiece(this.#swarm, piece);
      for (const piece of prefer) checkPiece(this.#swarm, piece);
      this.#handle({ type: 'wantAny', peer, haveDelta, prefer });
    }
  }

  availability(piece: PieceIndex): number {
    return this.#machine.availability(piece);
  }

  heldBy(peer: number): number {
    return this.#machine.heldBy(peer);
  }

  serveCredit(neighbour: Neighbour): PieceIndex | undefined {
    return this.#machine.serve(neighbour.peer.id, this.#options.clock());
  }

  /** The machine counts a credit until it is served, so one that has no turn is served with a transfer that fails. */
  creditLost(neighbour: Neighbour): void {
    const piece = this.serveCredit(neighbour);
    if (piece !== undefined) this.offerEnded(neighbour, piece, false);
  }

  offerEnded(neighbour: Neighbour, piece: PieceIndex, ok: boolean): void {
    this.#handle({ type: 'offerEnded', peer: neighbour.peer.id, piece, ok });
  }

  #handle(event: SuperSeedEvent): void {
    this.#machine.handle(event, this.#options.clock());
    if (this.#pumping) return;
    this.#pumping = true;
    for (let action = this.#machine.poll(); action; action = this.#machine.poll()) {
      const neighbour = this.#swarm.neighbours.get(action.peer);
      if (!neighbour) continue;
      if (action.type === 'enqueue') this.#options.uploads.credit(neighbour);
      else neighbour.peer.link.send({ type: 'refuse', channel: neighbour.channel });
    }
    this.#pumping = false;
  }
}
