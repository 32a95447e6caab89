import type { PeerHandle } from '@shoal/swarm';

/** Requests that a leech may have out: D, and the duplicates of the endgame. */
const endgameDuplicatesMax = 4;
const perPeerMax = 6;

/** More pieces than any blob has: one number names a peer and a piece. */
const piecesMax = 2 ** 21;

/** `holds`: the peer really has the piece; `missing`: pieces not here; `offered`: pieces that origins are sending. */
export interface RequestFacts {
  readonly holds: boolean;
  readonly held: boolean;
  readonly missing: number;
  offered(): Iterable<number>;
}

/**
 * What every leech must keep to, watched from outside in a simulated world: it keeps its own account of what is asked and
 * throws with the seed in the message as soon as a rule is broken.
 */
export class Rules {
  readonly #seed: number;
  readonly #agent: number;
  readonly #outstandingMax: number;
  readonly #requested = new Map<number, PeerHandle>();
  readonly #copies = new Map<number, number>();
  readonly #atPeer = new Map<PeerHandle, number>();

  constructor(seed: number, agent: number, outstandingMax: number) {
    this.#seed = seed;
    this.#agent = agent;
    this.#outstandingMax = outstandingMax;
  }

  requested(peer: PeerHandle, piece: number, facts: RequestFacts): void {
    const key = peer * piecesMax + piece;
    if (!facts.holds) this.#broken(`asks ${peer} for piece ${piece}, which it lacks`);
    if (facts.held) this.#broken(`asks for piece ${piece}, which it has`);
    if (this.#requested.has(key)) this.#broken(`asks ${peer} for piece ${piece} twice`);
    this.#requested.set(key, peer);
    const copies = (this.#copies.get(piece) ?? 0) + 1;
    this.#copies.set(piece, copies);
    if (copies > 1) this.#checkEndgame(piece, copies, facts);
    if (this.#requested.size > this.#outstandingMax + endgameDuplicatesMax)
      this.#broken(`${this.#requested.size} requests are out`);
    const atPeer = (this.#atPeer.get(peer) ?? 0) + 1;
    this.#atPeer.set(peer, atPeer);
    if (atPeer > perPeerMax) this.#broken(`${atPeer} requests are out at ${peer}`);
  }

  /** Answered, cancelled or rejected. */
  ended(peer: PeerHandle, piece: number): void {
    if (!this.#requested.delete(peer * piecesMax + piece)) return;
    this.#atPeer.set(peer, (this.#atPeer.get(peer) ?? 1) - 1);
    const copies = (this.#copies.get(piece) ?? 1) - 1;
    if (copies === 0) this.#copies.delete(piece);
    else this.#copies.set(piece, copies);
  }

  peerLeft(peer: PeerHandle): void {
    for (const [key, other] of this.#requested) if (other === peer) this.ended(peer, key % piecesMax);
  }

  /** Nothing is asked twice while a missing piece is asked of nobody. */
  #checkEndgame(piece: number, copies: number, { missing, offered }: RequestFacts): void {
    const underWay = new Set([...this.#copies.keys(), ...offered()]).size;
    if (underWay < missing)
      this.#broken(`asks for piece ${piece} ${copies} times, ${underWay} of ${missing} missing pieces are under way`);
  }

  #broken(what: string): never {
    throw new Error(`seed ${this.#seed}: agent ${this.#agent} ${what}`);
  }
}
