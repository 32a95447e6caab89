import { Bitfield, type PieceIndex, pieceSpan, type Prng } from '@shoal/core';
import { Allowance } from './allowance.ts';
import { leechLimitsFor, sharedOutstanding } from './leech-limits.ts';
import type { LeechAction, LeechLimits, LeechOptions } from './leech-types.ts';
import { type Ask, Neighbour, OriginNeighbour } from './neighbour.ts';
import type { PeerHandle, PeerRole } from './peer.ts';
import { PieceSet, countCommon } from './piece-set.ts';
import { Turnaround } from './turnaround.ts';
import type { GatewayPlace } from './zones.ts';

/** Which piece a credit brings is not known before it comes: it is paid for as the first one would be. */
export const creditPiece = 0;

/**
 * What the leech knows, kept consistent: `wanted` is missing, asked of nobody and not claimed; `availability` counts the
 * agents that hold a piece; a neighbour's `useful` counts what it holds of the wanted. Its decisions stand in fill.ts,
 * endgame.ts, credits.ts and deadlines.ts.
 */
export class SwarmView {
  readonly pieceCount: number;
  /** As they are now: D depends on how many downloads share the host's link. */
  limits: LeechLimits;
  readonly #aloneMax: number;
  readonly prng: Prng;
  readonly #lengthOf: (piece: PieceIndex) => number;
  /** Undefined without a limit, so that nothing is counted then. */
  readonly #allowance: Allowance | undefined;
  readonly have: Bitfield;
  readonly wanted: PieceSet;
  readonly claimed: PieceSet;
  /** Outstanding copies of each piece: 2 only in the endgame. */
  readonly copies: Uint8Array;
  readonly availability: Uint16Array;
  readonly agents = new Map<PeerHandle, Neighbour>();
  readonly origins = new Map<PeerHandle, OriginNeighbour>();
  /** Agents of other zones: asked only for what no neighbour of this zone has (abroad.ts). */
  readonly abroad = new Map<PeerHandle, Neighbour>();
  /** What some of them have and nobody of this zone, and since when (ms; undefined: it is new). */
  readonly awaited = new Map<PieceIndex, number | undefined>();
  /** This agent's place among the gateways of its zone, when the tracker gave it one. */
  gateway: GatewayPlace | undefined;
  readonly turnaround = new Turnaround();
  readonly actions: LeechAction[] = [];
  cursors: readonly PieceIndex[] = [];
  /** Requests under way, offered pieces not counted. */
  outstanding = 0;
  /** Pieces with a second copy under way. */
  duplicates = 0;
  /** No timer-driven decision is due before this. */
  wakeMs = Infinity;
  /** Since when nothing could be asked though slots were free. */
  dryMs: number | undefined;

  constructor({ pieceCount, pieceLength, size, have, prng, limits }: LeechOptions) {
    this.pieceCount = pieceCount;
    this.#lengthOf = (piece) => pieceSpan(size, pieceLength, piece).length;
    this.limits = leechLimitsFor(pieceCount, limits);
    this.#aloneMax = this.limits.outstandingMax;
    const { bytesPerSecondMax } = this.limits;
    this.#allowance = bytesPerSecondMax > 0 ? new Allowance(bytesPerSecondMax) : undefined;
    this.prng = prng;
    this.have = have.clone();
    this.wanted = new PieceSet(pieceCount);
    this.claimed = new PieceSet(pieceCount);
    this.copies = new Uint8Array(pieceCount);
    this.availability = new Uint16Array(pieceCount);
    for (let piece = 0; piece < pieceCount; piece++) if (!have.has(piece)) this.wanted.add(piece);
  }

  find(peer: PeerHandle): Neighbour | undefined {
    return this.agents.get(peer) ?? this.origins.get(peer) ?? this.abroad.get(peer);
  }

  *neighbours(): Generator<Neighbour> {
    yield* this.agents.values();
    yield* this.origins.values();
    yield* this.abroad.values();
  }

  join(peer: PeerHandle, role: PeerRole, have: Bitfield, abroad: boolean, nowMs: number): void {
    const has = PieceSet.from(have, this.pieceCount);
    if (role === 'origin') {
      this.origins.set(peer, new OriginNeighbour(peer, has, nowMs));
      return;
    }
    const neighbour = new Neighbour(peer, role, has, nowMs);
    if (abroad) {
      this.abroad.set(peer, neighbour);
      for (const piece of has) this.#await(piece);
      return;
    }
    neighbour.useful = countCommon(has, this.wanted);
    for (const piece of has) this.#count(piece, 1);
    this.agents.set(peer, neighbour);
  }

  /** Its pieces are free again at once. */
  leave(neighbour: Neighbour): void {
    for (const piece of [...neighbour.asks.keys()]) this.unask(neighbour, piece);
    if (this.agents.delete(neighbour.peer)) for (const piece of neighbour.has) this.#count(piece, -1);
    for (let credits = this.origins.get(neighbour.peer)?.credits ?? 0; credits > 0; credits--) this.refund(creditPiece);
    this.origins.delete(neighbour.peer);
    this.abroad.delete(neighbour.peer);
  }

  /** True when the piece is new to us there. */
  learn(neighbour: Neighbour, piece: PieceIndex): boolean {
    if (!neighbour.has.add(piece)) return false;
    if (this.abroad.has(neighbour.peer)) this.#await(piece);
    else if (neighbour.role === 'agent') {
      this.#count(piece, 1);
      if (this.wanted.has(piece)) neighbour.useful++;
    }
    return true;
  }

  unlearn(neighbour: Neighbour, piece: PieceIndex): void {
    if (!neighbour.has.delete(piece) || !this.agents.has(neighbour.peer)) return;
    this.#count(piece, -1);
    if (this.wanted.has(piece)) neighbour.useful--;
  }

  ask(neighbour: Neighbour, piece: PieceIndex, offered: boolean, nowMs: number): void {
    neighbour.asks.set(piece, {
      piece,
      sentMs: nowMs,
      offered,
      startedMs: offered ? nowMs : undefined,
      progressMs: nowMs,
      dueBytes: this.charge(piece),
    });
    neighbour.asked = neighbour.asks.size;
    if (!offered) this.outstanding++;
    const copies = (this.copies[piece] ?? 0) + 1;
    this.copies[piece] = copies;
    if (copies === 2) this.duplicates++;
    this.#update(piece);
  }

  /**
   * Forgets a request or an offer; the piece is wanted again unless it is here or asked elsewhere. `arrived`: all of its
   * bytes have come.
   */
  unask(neighbour: Neighbour, piece: PieceIndex, arrived = false): Ask | undefined {
    const ask = neighbour.asks.get(piece);
    if (!ask) return undefined;
    if (!arrived) this.#allowance?.charge(-ask.dueBytes);
    neighbour.asks.delete(piece);
    neighbour.asked--;
    if (!ask.offered) this.outstanding--;
    const copies = (this.copies[piece] ?? 1) - 1;
    this.copies[piece] = copies;
    if (copies === 1) this.duplicates--;
    this.#update(piece);
    return ask;
  }

  /** Everybody of whom the piece is asked, or who offered it. */
  askedOf(piece: PieceIndex): Neighbour[] {
    if (this.copies[piece] === 0) return [];
    return [...this.neighbours()].filter(({ asks }) => asks.has(piece));
  }

  cancel(neighbour: Neighbour, piece: PieceIndex): void {
    if (this.unask(neighbour, piece)) this.actions.push({ type: 'cancel', peer: neighbour.peer, piece });
  }

  gained(piece: PieceIndex): void {
    this.have.set(piece);
    this.claimed.delete(piece);
    this.awaited.delete(piece);
    this.#update(piece);
  }

  claim(piece: PieceIndex, claimed: boolean): void {
    if (claimed && this.claimed.add(piece)) this.charge(piece);
    else if (!claimed && this.claimed.delete(piece)) this.refund(piece);
    this.#update(piece);
  }

  /** Whether the rate of the download lets one more piece be asked for; wakes the machine when it will. */
  mayAsk(nowMs: number): boolean {
    if (!this.#allowance) return true;
    const openAtMs = this.#allowance.openAtMs(nowMs);
    if (openAtMs > nowMs) this.wakeAt(openAtMs);
    return openAtMs <= nowMs;
  }

  /** The piece will come and is paid for beforehand. Answers its bytes; 0 without a limit. */
  charge(piece: PieceIndex): number {
    if (!this.#allowance) return 0;
    const bytes = this.#lengthOf(piece);
    this.#allowance.charge(bytes);
    return bytes;
  }

  /** It does not come. */
  refund(piece: PieceIndex): void {
    this.#allowance?.charge(-this.#lengthOf(piece));
  }

  /** True when more may be out than before; what is out above a lower D comes to its end. */
  share(downloads: number): boolean {
    const before = this.limits.outstandingMax;
    const outstandingMax = sharedOutstanding(this.#aloneMax, downloads);
    if (outstandingMax !== before) this.limits = { ...this.limits, outstandingMax };
    return outstandingMax > before;
  }

  wakeAt(timeMs: number): void {
    if (timeMs < this.wakeMs) this.wakeMs = timeMs;
  }

  /** Keeps `wanted` and every `useful` true after anything about the piece changed. */
  #update(piece: PieceIndex): void {
    const wanted =
      piece >= 0 &&
      piece < this.pieceCount &&
      this.copies[piece] === 0 &&
      !this.have.has(piece) &&
      !this.claimed.has(piece);
    const changed = wanted ? this.wanted.add(piece) : this.wanted.delete(piece);
    if (!changed) return;
    const step = wanted ? 1 : -1;
    for (const agent of this.agents.values()) if (agent.has.has(piece)) agent.useful += step;
  }

  #count(piece: PieceIndex, step: number): void {
    const count = (this.availability[piece] ?? 0) + step;
    this.availability[piece] = count;
    if (count > 0) this.awaited.delete(piece);
    else if (this.abroad.size > 0) this.#await(piece);
  }

  #await(piece: PieceIndex): void {
    if (this.availability[piece] !== 0 || this.have.has(piece) || this.awaited.has(piece)) return;
    for (const { has } of this.abroad.values()) if (has.has(piece)) this.awaited.set(piece, undefined);
  }
}
