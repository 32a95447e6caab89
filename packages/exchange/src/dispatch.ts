import type { SwarmId } from '@shoal/core';
import type { ControlMessage, DataHeader, Join } from '@shoal/protocol';
import { ProtocolError } from '@shoal/protocol';
import { fromDiskError } from '@shoal/store';
import type { EndpointHandler, Landed, Link } from '@shoal/transport';
import type { ExchangeEvents } from './events.ts';
import type { ExchangeLimits } from './limits.ts';
import type { Neighbour } from './neighbour.ts';
import { Peer } from './peer.ts';
import type { Reception } from './reception.ts';
import type { Records } from './records.ts';
import { checkPiece, type Swarm, unknownReason } from './swarm.ts';
import type { Uploads } from './uploads.ts';

export interface DispatcherOptions {
  readonly swarms: ReadonlyMap<SwarmId, Swarm>;
  readonly uploads: Uploads;
  readonly records: Records;
  readonly resolve: ((swarm: SwarmId) => Promise<void>) | undefined;
  readonly events: ExchangeEvents;
  readonly limits: ExchangeLimits;
  /** My own. */
  readonly zone: string;
  readonly clock: () => number;
}

/** What the endpoint reports, handed to the swarm, the uploads or the records that it is for. */
export class Dispatcher implements EndpointHandler {
  readonly peers = new Map<number, Peer>();
  messagesReceived = 0;
  readonly #options: DispatcherOptions;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  linkOpened(link: Link): void {
    const { limits, clock, events, zone } = this.#options;
    this.peers.set(link.id, new Peer(link, limits.unsolicitedBytesMax, clock(), zone));
    events.linkOpened?.(link.remote.peerId, link.remote.role);
  }

  linkClosed(link: Link, reason: string): void {
    const peer = this.peers.get(link.id);
    if (!peer) return;
    this.peers.delete(link.id);
    for (const neighbour of [...peer.neighbours.values()]) neighbour.swarm.linkClosed(neighbour);
    this.#options.uploads.linkClosed(peer);
    this.#options.records.linkClosed(peer);
    this.#options.events.linkClosed?.(link.remote.peerId, reason);
  }

  message(link: Link, message: ControlMessage): void {
    const peer = this.peers.get(link.id);
    if (!peer) return;
    const { swarms, records } = this.#options;
    this.messagesReceived++;
    switch (message.type) {
      case 'join': {
        const swarm = swarms.get(message.swarm);
        if (swarm) return swarm.joinReceived(peer, message);
        return this.#joinUnknown(peer, message);
      }
      case 'noSwarm': {
        const neighbour = peer.neighbours.get(message.swarm);
        return neighbour?.swarm.noSwarmReceived(neighbour, message.reason);
      }
      case 'getRecord':
        return void records.serve(peer, message);
      case 'record':
      case 'noRecord':
        return records.answered(peer, message);
      default: {
        // A channel that nobody is bound to: one of us has left the swarm while this was on its way.
        const neighbour = peer.neighbourOf(message.channel);
        if (neighbour) this.#channelMessage(neighbour, message);
      }
    }
  }

  dataBegin(link: Link, header: DataHeader): void {
    const peer = this.peers.get(link.id);
    if (!peer) return;
    const neighbour = peer.neighbourOf(header.channel);
    const reception = neighbour?.swarm.side.dataBegin(neighbour, header);
    peer.landing = neighbour && { neighbour, reception };
  }

  dataBytes(link: Link, bytes: Uint8Array): void {
    const peer = this.peers.get(link.id);
    if (!peer) return;
    const { landing } = peer;
    let taken = false;
    try {
      taken = landing?.reception?.update(bytes) ?? false;
    } catch (error) {
      landing?.neighbour.swarm.side.dataFailed(error);
    }
    if (!landing || !taken) return this.#discard(peer, bytes.length, landing?.neighbour);
    peer.received(bytes.length);
  }

  dataLanded(link: Link, landed: Landed): void {
    const peer = this.peers.get(link.id);
    const neighbour = peer?.neighbourOf(landed.header.channel);
    if (!peer) return;
    const { side } = neighbour?.swarm ?? {};
    const bytes = landed.header.length;
    if (landed.error) return side?.dataFailed(fromDiskError(landed.error, neighbour?.swarm.metainfo.digest ?? ''));
    const reception = neighbour && side?.dataLanded?.(neighbour, landed);
    if (!neighbour || !reception) return this.dataDropped(link, bytes, neighbour);
    peer.received(bytes);
    this.#ended(neighbour, reception);
  }

  dataDropped(link: Link, bytes: number, neighbour?: Neighbour): void {
    const peer = this.peers.get(link.id);
    if (peer) this.#discard(peer, bytes, neighbour);
  }

  dataEnd(link: Link): void {
    const landing = this.peers.get(link.id)?.landing;
    if (landing?.reception) this.#ended(landing.neighbour, landing.reception);
  }

  #ended(neighbour: Neighbour, reception: Reception): void {
    try {
      neighbour.swarm.side.dataEnd(neighbour, reception);
    } catch (error) {
      neighbour.swarm.side.dataFailed(error);
    }
  }

  uplinkOpened(link: Link): void {
    const peer = this.peers.get(link.id);
    if (peer) this.#options.uploads.uplinkOpened(peer);
  }

  dataOpened(link: Link): void {
    const peer = this.peers.get(link.id);
    if (peer?.unreachable) this.#setUnreachable(peer, undefined);
  }

  /**
   * A link that I dialled is of no use to my downloads without the data connection; closing it frees the pieces and lets
   * the dialer start anew. One that the peer dialled goes on serving it, as it may not be reachable from here at all.
   */
  dataClosed(link: Link, reason: string): void {
    const peer = this.peers.get(link.id);
    if (!peer || !link.open) return;
    if (link.dialled) return link.close(`data connection: ${reason}`);
    const { limits, clock } = this.#options;
    const failures = (peer.unreachable?.failures ?? 0) + 1;
    const pauseMs = Math.min(limits.redialMaxMs, limits.redialMinMs * 2 ** Math.min(failures - 1, 20));
    this.#setUnreachable(peer, { failures, retryAtMs: clock() + pauseMs });
  }

  /** Dials the data connections of unreachable peers whose pause is over, where something is still to be asked of them. */
  retryData(): void {
    const nowMs = this.#options.clock();
    for (const { link, unreachable, neighbours } of this.peers.values()) {
      if (!unreachable || unreachable.retryAtMs > nowMs) continue;
      if ([...neighbours.values()].some(({ swarm }) => swarm.side.fetching)) link.openData();
    }
  }

  /** Closes links that no swarm and no record needs any more. */
  closeIdle(): void {
    const { clock, limits, records } = this.#options;
    const oldestMs = clock() - limits.idleLinkMs;
    for (const peer of [...this.peers.values()]) {
      if (peer.neighbours.size > 0 || peer.resolving > 0 || records.busy(peer)) peer.idleSinceMs = clock();
      else if (peer.idleSinceMs < oldestMs) peer.link.close('idle: no swarm in common');
    }
  }

  #setUnreachable(peer: Peer, unreachable: Peer['unreachable']): void {
    const changed = (peer.unreachable === undefined) !== (unreachable === undefined);
    peer.unreachable = unreachable;
    if (!changed) return;
    peer.landing = undefined;
    for (const neighbour of [...peer.neighbours.values()]) neighbour.swarm.side.reachabilityChanged(neighbour);
  }

  /** A swarm that is not open: whoever resolves it may seed the blob now. Joins that wait count as swarms of the link. */
  #joinUnknown(peer: Peer, message: Join): void {
    const { resolve, swarms, limits } = this.#options;
    const refuse = (): void => peer.link.send({ type: 'noSwarm', swarm: message.swarm, reason: unknownReason });
    if (!resolve || peer.resolving + peer.neighbours.size >= limits.swarmsPerLinkMax) return refuse();
    peer.resolving++;
    const resolved = (): void => {
      peer.resolving--;
      if (!this.peers.has(peer.id)) return;
      const swarm = swarms.get(message.swarm);
      if (!swarm) return refuse();
      try {
        swarm.joinReceived(peer, message);
      } catch (error) {
        peer.link.close((error as Error).message);
      }
    };
    resolve(message.swarm).then(resolved, resolved);
  }

  #channelMessage(
    neighbour: Neighbour,
    message: Exclude<ControlMessage, { type: 'join' | 'noSwarm' | 'getRecord' | 'record' | 'noRecord' }>,
  ): void {
    const { swarm } = neighbour;
    switch (message.type) {
      case 'leave':
        return swarm.leaveReceived(neighbour);
      case 'request':
        checkPiece(swarm, message.piece);
        return this.#options.uploads.request(neighbour, message.piece);
      case 'cancel':
        return this.#options.uploads.cancel(neighbour, message.piece);
      default:
        return swarm.side.message(neighbour, message);
    }
  }

  #discard(peer: Peer, bytes: number, neighbour: Neighbour | undefined): void {
    this.#options.events.bytesDiscarded?.(bytes);
    neighbour?.swarm.side.dataDiscarded(bytes);
    if (!peer.discarded(bytes)) throw new ProtocolError('a flood of data that nobody asked for');
  }
}
