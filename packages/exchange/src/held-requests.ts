import type { ExchangeLimits } from './limits.ts';
import type { Neighbour } from './neighbour.ts';
import type { Peer } from './peer.ts';

interface Held {
  readonly neighbour: Neighbour;
  readonly run: () => void;
  readonly deadlineMs: number;
}

/**
 * Requests that came before the requester's data connection: control and data are two TCP connections, so the first
 * REQUEST may overtake the handshake of the other. They wait a moment; past the deadline they are forgotten, as the
 * requester's own deadline has asked elsewhere by then.
 */
export class HeldRequests {
  readonly #limits: ExchangeLimits;
  readonly #clock: () => number;
  readonly #held = new Map<Peer, Held[]>();
  #timer: NodeJS.Timeout | undefined;

  constructor(limits: ExchangeLimits, clock: () => number) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Runs at once when the uplink stands, else when it does. False: too many wait already. */
  whenUplink(neighbour: Neighbour, run: () => void): boolean {
    const { peer } = neighbour;
    const waiting = this.#held.get(peer);
    if (!waiting && peer.link.uplink) {
      run();
      return true;
    }
    if (waiting && waiting.length >= this.#limits.heldRequestsMax) return false;
    const held = { neighbour, run, deadlineMs: this.#clock() + this.#limits.dataTimeoutMs };
    if (waiting) waiting.push(held);
    else this.#held.set(peer, [held]);
    this.#arm();
    return true;
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
      const live = waiting.filter(
        ({ neighbour, deadlineMs }) => neighbour.remoteChannel !== undefined && peer.link.open && deadlineMs > nowMs,
      );
      if (live.length > 0 && !peer.link.uplink) {
        this.#held.set(peer, live);
        continue;
      }
      this.#held.delete(peer);
      for (const { run } of live) run();
    }
  }
}

const retryMs = 2;
