import type { PeerId, SwarmId } from '@shoal/core';

export interface PendingDegreesOptions {
  readonly entriesMax: number;
  /** For how long a handout counts: by then the peer has reported its own degree, or nobody connected. */
  readonly holdMs: number;
  readonly clock: () => number;
}

interface Pending {
  readonly count: number;
  readonly untilMs: number;
}

/**
 * Neighbours a member will have soon, because it was just handed out. Without it a crowd that arrives within
 * one report interval would all be sent to the same few members, whose degree still reads zero.
 */
export class PendingDegrees {
  readonly #o: PendingDegreesOptions;
  /** In the order of their last handout, which is the order of their end. */
  readonly #pending = new Map<string, Pending>();

  constructor(options: PendingDegreesOptions) {
    this.#o = options;
  }

  of(swarm: SwarmId, peerId: PeerId): number {
    const pending = this.#pending.get(keyOf(swarm, peerId));
    return pending && pending.untilMs > this.#o.clock() ? pending.count : 0;
  }

  handedOut(swarm: SwarmId, peerId: PeerId): void {
    const nowMs = this.#o.clock();
    const key = keyOf(swarm, peerId);
    const count = this.of(swarm, peerId) + 1;
    this.#pending.delete(key);
    this.#pending.set(key, { count, untilMs: nowMs + this.#o.holdMs });
    for (const [oldest, { untilMs }] of this.#pending) {
      if (untilMs > nowMs && this.#pending.size <= this.#o.entriesMax) return;
      this.#pending.delete(oldest);
    }
  }

  /** The member has reported its degree itself. */
  reported(swarm: SwarmId, peerId: PeerId): void {
    this.#pending.delete(keyOf(swarm, peerId));
  }
}

const keyOf = (swarm: SwarmId, peerId: PeerId): string => `${swarm}${peerId}`;
