import type { PeerHandle } from '@shoal/swarm';

/** Requests that a leech may have out: D, and the duplicates of the endgame. */
const endgameDuplicatesMax = 4;
const perPeerMax = 6;

/**
 * What every leech must keep to, watched from outside in a simulated world: it keeps its own account of what is asked and
 * throws with the seed in the message as soon as a rule is broken.
 */
export class Rules {
  readonly #seed: number;
  readonly #agent: number;
  readonly #outstandingMax: number;
  readonly #requested = new Map<string, number>();
  readonly #copies = new Map<number, number>();

  constructor(seed: number, agent: number, outstandingMax: number) {
    this.#seed = seed;
    this.#agent = agent;
    this.#outstandingMax = outstandingMax;
  }

  /** `holds`: the peer really has the piece; `missing`: pieces not here; `offered`: pieces that origins are sending. */
  requested(
    peer: PeerHandle,
    piece: number,
    facts: { holds: boolean; held: boolean; missing: number; offered: ReadonlySet<number> },
  ): void {
    const key = `${peer}/${piece}`;
    if (!facts.holds) this.#broken(`asks ${peer} for piece ${piece}, which it lacks`);
    if (facts.held) this.#broken(`asks for piece ${piece}, which it has`);
    if (this.#requested.has(key)) this.#broken(`asks ${peer} for piece ${piece} twice`);
    this.#requested.set(key, peer);
    const copies = (this.#copies.get(piece) ?? 0) + 1;
    this.#copies.set(piece, copies);
    const underWay = new Set([...this.#copies.keys(), ...facts.offered]).size;
    if (copies > 1 && underWay < facts.missing)
      this.#broken(
        `asks for piece ${piece} ${copies} times, ${underWay} of ${facts.missing} missing pieces are under way`,
      );
    if (this.#requested.size > this.#outstandingMax + endgameDuplicatesMax)
      this.#broken(`${this.#requested.size} requests are out`);
    let atPeer = 0;
    for (const other of this.#requested.values()) if (other === peer) atPeer++;
    if (atPeer > perPeerMax) this.#broken(`${atPeer} requests are out at ${peer}`);
  }

  /** Answered, cancelled or rejected. */
  ended(peer: PeerHandle, piece: number): void {
    if (!this.#requested.delete(`${peer}/${piece}`)) return;
    const copies = (this.#copies.get(piece) ?? 1) - 1;
    if (copies === 0) this.#copies.delete(piece);
    else this.#copies.set(piece, copies);
  }

  peerLeft(peer: PeerHandle): void {
    for (const [key, other] of [...this.#requested])
      if (other === peer) this.ended(peer, Number(key.slice(key.indexOf('/') + 1)));
  }

  #broken(what: string): never {
    throw new Error(`seed ${this.#seed}: agent ${this.#agent} ${what}`);
  }
}
