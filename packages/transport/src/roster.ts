import { type Address, formatAddress, type PeerId } from '@shoal/core';
import type { Connection } from './connection.ts';
import type { NodeIdentity } from './identity.ts';
import { PeerLink } from './peer-link.ts';
import type { Station } from './station.ts';

/** Told once: the link that a peer has got, or why it has none. */
export type Awaiting = (link: PeerLink | undefined, reason: string) => void;

/** The links of an endpoint, at most one a peer. */
export class Roster {
  readonly #station: Station;
  readonly #links = new Map<PeerId, PeerLink>();
  readonly #dialled = new Map<string, PeerLink>();
  readonly #awaiting = new Map<PeerId, Set<Awaiting>>();
  #nextId = 1;

  constructor(station: Station) {
    this.#station = station;
  }

  get size(): number {
    return this.#links.size;
  }

  values(): Iterable<PeerLink> {
    return this.#links.values();
  }

  of(peerId: PeerId): PeerLink | undefined {
    return this.#links.get(peerId);
  }

  /** The link that was dialled there. Advertised addresses do not count: a wrong one would name another peer. */
  at(address: Address): PeerLink | undefined {
    return this.#dialled.get(formatAddress(address));
  }

  /** Makes a proven control connection the peer's link; an older incarnation of the peer is closed first. */
  open(connection: Connection, remote: NodeIdentity, dialled?: Address): PeerLink {
    this.#links.get(remote.peerId)?.fault('stale', 'the peer has restarted');
    const link = new PeerLink(this.#station, {
      id: this.#nextId++,
      remote,
      connection,
      dialled,
      closed: (closed) => this.#forget(closed),
    });
    this.#links.set(remote.peerId, link);
    if (dialled) this.#dialled.set(formatAddress(dialled), link);
    const { role, address, peerId } = remote;
    this.#station.log.info(
      { link: link.id, peer: peerId, role, address, dialled: dialled !== undefined },
      'link opened',
    );
    this.#station.handler.linkOpened(link);
    this.settle(peerId, link, '');
    return link;
  }

  /** Calls `awaiting` when the peer has got a link, or when `settle` tells that it will not; not when it has one. */
  await(peerId: PeerId, awaiting: Awaiting): void {
    const set = this.#awaiting.get(peerId) ?? new Set();
    this.#awaiting.set(peerId, set.add(awaiting));
  }

  unawait(peerId: PeerId, awaiting: Awaiting): void {
    const set = this.#awaiting.get(peerId);
    set?.delete(awaiting);
    if (set?.size === 0) this.#awaiting.delete(peerId);
  }

  settle(peerId: PeerId, link: PeerLink | undefined, reason: string): void {
    const set = this.#awaiting.get(peerId);
    this.#awaiting.delete(peerId);
    for (const awaiting of set ?? []) awaiting(link, reason);
  }

  #forget(link: PeerLink): void {
    if (this.#links.get(link.remote.peerId) === link) this.#links.delete(link.remote.peerId);
    const key = link.dialled && formatAddress(link.dialled);
    if (key !== undefined && this.#dialled.get(key) === link) this.#dialled.delete(key);
  }
}
