import { Bitfield, type PieceIndex, type Prng } from '@shoal/core';
import { type Have, hashesMax } from '@shoal/protocol';
import { SuperSeed, type SuperSeedEvent } from '@shoal/swarm';
import type { Neighbour, SwarmMessage, SwarmSide } from './neighbour.ts';
import { haveOf } from './seed-side.ts';
import { ServingSide } from './serving-side.ts';
import { checkPiece, type Swarm } from './swarm.ts';
import type { Uploads } from './uploads.ts';

export interface SuperSideOptions {
  readonly uploads: Uploads;
  readonly prng: Prng;
  readonly clock: () => number;
  readonly originIndex?: number;
  readonly originCount?: number;
  /** Only pieces named by `grown` are there. */
  readonly growing?: boolean;
}

/** An origin in one swarm: it chooses which piece enters the swarm next, and answers plain requests as well. */
export class SuperSide extends ServingSide implements SwarmSide {
  readonly #swarm: Swarm;
  readonly #options: SuperSideOptions;
  readonly #machine: SuperSeed;
  /** The pieces of a growing blob that are there; undefined: all. */
  readonly #grown: Bitfield | undefined;
  #pumping = false;

  constructor(swarm: Swarm, options: SuperSideOptions) {
    super();
    const { prng, originIndex = 0, originCount = 1, growing = false } = options;
    this.#swarm = swarm;
    this.#options = options;
    this.#machine = new SuperSeed({ pieceCount: swarm.pieceCount, prng, originIndex, originCount, growing });
    this.#grown = growing ? new Bitfield(swarm.pieceCount) : undefined;
  }

  /** Pieces sent in full, divided by the pieces of the blob. */
  get copiesSent(): number {
    return this.#machine.copiesSent;
  }

  have(): Have {
    return this.#grown ? haveOf(this.#grown) : 'all';
  }

  holds(piece: PieceIndex): boolean {
    return this.#grown?.has(piece) ?? true;
  }

  /** Hashes travel before what tells of the pieces, on the same connection. */
  grown(pieces: readonly PieceIndex[]): void {
    const fresh = pieces.filter((piece) => this.#grown?.set(piece));
    for (const neighbour of this.#swarm.neighbours.values()) {
      if (neighbour.remoteChannel === undefined) continue;
      this.#sendHashes(neighbour, fresh);
      const { peer, channel } = neighbour;
      const queueLength = this.#options.uploads.queueLength;
      for (const piece of fresh) peer.link.send({ type: 'have', channel, piece, queueLength });
    }
    for (const piece of fresh) this.#handle({ type: 'pieceAvailable', piece });
  }

  joined(neighbour: Neighbour, have: Bitfield): void {
    // Those who met a growing blob hear the rest when it is complete, and who comes later knows them from metainfo.
    if (this.#grown) this.#sendHashes(neighbour, piecesOf(this.#grown));
    this.#handle({ type: 'peerJoined', peer: neighbour.peer.id, have, abroad: neighbour.peer.abroad });
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

  get creditRank(): number {
    return this.#machine.creditRank;
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

  /** Ascending pieces, in runs of neighbouring ones. */
  #sendHashes({ peer, channel }: Neighbour, pieces: readonly PieceIndex[]): void {
    const { pieceHashes } = this.#swarm.metainfo;
    for (let at = 0; at < pieces.length;) {
      const first = pieces[at] ?? 0;
      const hashes: Uint8Array[] = [];
      while (pieces[at] === first + hashes.length && hashes.length < hashesMax) {
        const hash = pieceHashes[first + hashes.length];
        if (!hash) throw new Error(`piece ${first + hashes.length} is there without a hash`);
        hashes.push(hash);
        at++;
      }
      peer.link.send({ type: 'hashes', channel, first, hashes });
    }
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

const piecesOf = (field: Bitfield): PieceIndex[] =>
  Array.from({ length: field.length }, (_, piece) => piece).filter((piece) => field.has(piece));
