import type { SwarmId } from '@shoal/core';
import type { PeerRole } from '@shoal/protocol';
import type { Link } from '@shoal/transport';
import type { Reception } from './reception.ts';
import type { Neighbour } from './neighbour.ts';

/** A link with its channel tables: my joins, and the remote's channel numbers. */
export class Peer {
  readonly link: Link;
  /** It says that it is in another zone than I. Whoever names no zone is at home in each. */
  readonly abroad: boolean;
  /** The swarms that I have joined on this link. */
  readonly neighbours = new Map<SwarmId, Neighbour>();
  /** Where the payload of the DATA frame under way goes. */
  landing: { readonly neighbour: Neighbour; readonly reception: Reception | undefined } | undefined;
  /** JOINs that wait until their swarm is opened. */
  resolving = 0;
  /** My data dials that failed since one stood, and when the next may go. While it is set nothing is asked of the peer. */
  unreachable: { readonly failures: number; readonly retryAtMs: number } | undefined;
  /** When the last swarm or record of the link ended. */
  idleSinceMs: number;
  readonly #channels = new Map<number, Neighbour>();
  readonly #unsolicitedBytesMax: number;
  #nextChannel = 1;
  #usefulBytes = 0;
  #discardedBytes = 0;

  constructor(link: Link, unsolicitedBytesMax: number, nowMs: number, zone: string) {
    this.link = link;
    this.abroad = zone !== '' && link.remote.zone !== '' && zone !== link.remote.zone;
    this.#unsolicitedBytesMax = unsolicitedBytesMax;
    this.idleSinceMs = nowMs;
  }

  get id(): number {
    return this.link.id;
  }

  get role(): PeerRole {
    return this.link.remote.role;
  }

  /** A channel number for a JOIN of mine: never used twice on a link, so that late messages of a left swarm hit nothing. */
  nextChannel(): number {
    return this.#nextChannel++;
  }

  bind(channel: number, neighbour: Neighbour): void {
    this.#channels.set(channel, neighbour);
  }

  unbind(channel: number): void {
    this.#channels.delete(channel);
  }

  /** The swarm that the remote's channel number stands for; undefined for what it, or I, have left. */
  neighbourOf(channel: number): Neighbour | undefined {
    return this.#channels.get(channel);
  }

  received(bytes: number): void {
    this.#usefulBytes += bytes;
  }

  /** False when the link has sent so much that nobody asked for that it is a flood. */
  discarded(bytes: number): boolean {
    this.#discardedBytes += bytes;
    return this.#discardedBytes <= this.#unsolicitedBytesMax + this.#usefulBytes;
  }
}
