import type { Digest, PeerId } from '@shoal/core';
import { type LeaseHolder, StoreUnavailableError } from './peer-store.ts';

interface Lease {
  readonly holder: LeaseHolder;
  readonly untilMs: number;
}

/** The leases of one tracker, in the order in which they were given or renewed. */
export class Leases {
  readonly #clock: () => number;
  readonly #leasesMax: number;
  readonly #leases = new Map<Digest, Lease>();

  constructor(o: { clock: () => number; leasesMax: number }) {
    this.#clock = o.clock;
    this.#leasesMax = o.leasesMax;
  }

  /** @throws StoreUnavailableError when there are too many */
  take(peer: LeaseHolder, digest: Digest, holdMs: number): LeaseHolder {
    this.#dropExpired();
    const held = this.#leases.get(digest);
    if (held && held.holder.peerId !== peer.peerId) return held.holder;
    this.#leases.delete(digest);
    if (holdMs === 0) return peer;
    if (this.#leases.size >= this.#leasesMax)
      throw new StoreUnavailableError(`the tracker has given ${this.#leasesMax} leases and gives no more`);
    this.#leases.set(digest, { holder: peer, untilMs: this.#clock() + holdMs });
    return peer;
  }

  /** All hold equally long, so the first to expire stand first. */
  #dropExpired(): void {
    const nowMs = this.#clock();
    for (const [digest, { untilMs }] of this.#leases) {
      if (untilMs > nowMs) return;
      this.#leases.delete(digest);
    }
  }
}

export const leaseHolderOf = (stored: string): LeaseHolder => ({
  peerId: stored.slice(0, peerIdLength) as PeerId,
  address: stored.slice(peerIdLength),
});

const peerIdLength = 40;
