import type { PieceIndex } from '@shoal/core';
import type { ExchangeLimits } from './limits.ts';
import { MachineTimer } from './machine-timer.ts';
import type { Neighbour } from './neighbour.ts';
import type { Peer } from './peer.ts';

/** A REQUEST, or a credit when `piece` is undefined. */
export interface HeldRequest {
  readonly neighbour: Neighbour;
  readonly piece: PieceIndex | undefined;
  run(): void;
  /** Too many wait already, or no data connection came in time. */
  refuse(): void;
}

/**
 * Requests that came before the requester's data connection: control and data are two TCP connections, so the first
 * REQUEST may overtake the handshake of the other. They wait for that, and are refused at a deadline.
 */
export class HeldRequests {
  readonly #limits: ExchangeLimits;
  readonly #clock: () => number;
  readonly #held = new Map<Peer, { readonly request: HeldRequest; readonly deadlineMs: number }[]>();
  readonly #timer: MachineTimer;

  constructor(limits: ExchangeLimits, clock: () => number) {
    this.#limits = limits;
    this.#clock = clock;
    this.#timer = new MachineTimer(clock, () => this.#expire());
  }

  /** Runs the request at once when the uplink stands, else at `release`. */
  whenUplink(request: HeldRequest): void {
    const { peer } = request.neighbour;
    const waiting = this.#held.get(peer);
    if (peer.link.uplink) return request.run();
    if (waiting && waiting.length >= this.#limits.heldRequestsMax) return request.refuse();
    const held = { request, deadlineMs: this.#clock() + this.#limits.dataTimeoutMs };
    if (waiting) waiting.push(held);
    else this.#held.set(peer, [held]);
    this.#arm();
  }

  /** The uplink of the peer stands. */
  release(peer: Peer): void {
    const waiting = this.#held.get(peer) ?? [];
    this.#held.delete(peer);
    for (const { request } of waiting) request.run();
  }

  /** Forgets a REQUEST that was cancelled, or with `piece` undefined all of a neighbour that left. */
  forget(neighbour: Neighbour, piece?: PieceIndex): void {
    const waiting = this.#held.get(neighbour.peer);
    if (!waiting) return;
    const isOther = ({ request }: { request: HeldRequest }): boolean =>
      request.neighbour !== neighbour || (piece !== undefined && request.piece !== piece);
    const others = waiting.filter(isOther);
    if (others.length > 0) this.#held.set(neighbour.peer, others);
    else this.#held.delete(neighbour.peer);
  }

  close(): void {
    this.#timer.stop();
    this.#held.clear();
  }

  /** Every request waits equally long, so that the first of each peer is the first to be refused. */
  #arm(): void {
    let nextMs = Infinity;
    for (const [first] of this.#held.values()) if (first) nextMs = Math.min(nextMs, first.deadlineMs);
    this.#timer.arm(nextMs === Infinity ? undefined : nextMs - this.#clock());
  }

  #expire(): void {
    const nowMs = this.#clock();
    for (const [peer, waiting] of [...this.#held]) {
      const live = waiting.filter(({ deadlineMs }) => deadlineMs > nowMs);
      if (live.length > 0) this.#held.set(peer, live);
      else this.#held.delete(peer);
      for (const held of waiting) if (held.deadlineMs <= nowMs) held.request.refuse();
    }
    this.#arm();
  }
}
