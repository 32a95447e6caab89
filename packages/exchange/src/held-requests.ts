import type { PieceIndex } from '@shoal/core';
import type { ExchangeLimits } from './limits.ts';
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
 * REQUEST may overtake the handshake of the other. They wait a moment, and are refused at a deadline.
 */
export class HeldRequests {
  readonly #limits: ExchangeLimits;
  readonly #clock: () => number;
  readonly #held = new Map<Peer, { readonly request: HeldRequest; readonly deadlineMs: number }[]>();
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: ExchangeLimits, clock: () => number) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Runs the request at once when the uplink stands, else when it does. */
  whenUplink(request: HeldRequest): void {
    const { peer } = request.neighbour;
    const waiting = this.#held.get(peer);
    if (!waiting && peer.link.uplink) return request.run();
    if (waiting && waiting.length >= this.#limits.heldRequestsMax) return request.refuse();
    const held = { request, deadlineMs: this.#clock() + this.#limits.dataTimeoutMs };
    if (waiting) waiting.push(held);
    else this.#held.set(peer, [held]);
    this.#arm();
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
    clearTimeout(this.#timer);
    this.#held.clear();
  }

  #arm(): void {
    if (this.#timer || this.#held.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#retry();
      this.#arm();
    }, retryMs);
  }

  #retry(): void {
    const nowMs = this.#clock();
    for (const [peer, waiting] of [...this.#held]) {
      if (peer.link.uplink) {
        this.#held.delete(peer);
        for (const { request } of waiting) request.run();
        continue;
      }
      const live = waiting.filter(({ deadlineMs }) => deadlineMs > nowMs);
      if (live.length === waiting.length) continue;
      if (live.length > 0) this.#held.set(peer, live);
      else this.#held.delete(peer);
      for (const held of waiting) if (held.deadlineMs <= nowMs) held.request.refuse();
    }
  }
}

/** About the time that a handshake takes in one data centre; only while something waits. */
const retryMs = 2;
