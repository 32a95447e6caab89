import type { Socket } from 'node:net';
import type { PeerId } from '@shoal/core';
import { encodeMessage, type ErrorCode, type HelloFields } from '@shoal/protocol';
import { AcceptHandshake, type Reception } from './accept-handshake.ts';
import { Connection } from './connection.ts';
import { identityOf } from './judge.ts';
import type { PeerLink } from './peer-link.ts';
import { Refusal } from './refusal.ts';
import type { Roster } from './roster.ts';
import { type Station, track } from './station.ts';

/** A control connection that has got this node's HELLO, and whose dialer has not said READY yet. */
interface Half {
  readonly handshake: AcceptHandshake;
  readonly remote: HelloFields;
}

/** Receives who dials: proves them, settles which of two connections stays, binds data connections to links. */
export class FrontDesk implements Reception {
  readonly #station: Station;
  readonly #roster: Roster;
  /** Sockets that are not part of a link; bounded by `handshakesMax`. */
  readonly #strangers = new Set<Connection>();
  readonly #halves = new Map<PeerId, Half>();
  /** Data connections that came before the control connection was ready. */
  readonly #parked = new Map<AcceptHandshake, HelloFields>();

  constructor(station: Station, roster: Roster) {
    this.#station = station;
    this.#roster = roster;
  }

  accept(socket: Socket): void {
    if (this.#strangers.size >= this.#station.limits.handshakesMax) return this.#turnAway(socket);
    const owner = { message() {}, closed() {} };
    const connection = track(this.#station, new Connection(socket, owner, this.#station));
    this.#strangers.add(connection);
    void connection.socketClosed.then(() => this.#strangers.delete(connection));
    if (!this.#station.sockets.secure) socket.once('data', (bytes: Uint8Array) => refuseTls(connection, bytes));
    socket.on('data', (bytes: Uint8Array) => connection.receive(bytes));
    new AcceptHandshake(this.#station, connection, this);
  }

  proven(handshake: AcceptHandshake, remote: HelloFields): void {
    const known = this.#roster.of(remote.peerId);
    if (known && known.remote.incarnation > remote.incarnation) throw stale(remote);
    const same = known?.remote.incarnation === remote.incarnation ? known : undefined;
    if (remote.connection === 'data') this.#bind(handshake, remote, same);
    else this.#receive(handshake, remote, same);
  }

  ready(handshake: AcceptHandshake, remote: HelloFields): void {
    this.#halves.delete(remote.peerId);
    this.#roster.open(this.#take(handshake), identityOf(remote));
    for (const [parked, waiting] of this.#parked) {
      const link = this.#roster.of(waiting.peerId);
      if (link?.remote.incarnation === waiting.incarnation) this.#bind(parked, waiting, link);
    }
  }

  failed(handshake: AcceptHandshake, reason: string, refusal?: ErrorCode): void {
    this.#parked.delete(handshake);
    const remote = handshake.connection.remote;
    this.#station.log.info({ remote, reason, ...(refusal && { refusal }) }, 'accepted connection closed');
    for (const [peerId, half] of this.#halves) {
      if (half.handshake !== handshake) continue;
      this.#halves.delete(peerId);
      this.#roster.settle(peerId, undefined, reason);
    }
  }

  /** The incarnation that has dialled and not said READY, if there is one. */
  halfOf(peerId: PeerId): number | undefined {
    return this.#halves.get(peerId)?.remote.incarnation;
  }

  dropHalf(peerId: PeerId, reason: string): void {
    const half = this.#halves.get(peerId);
    this.#halves.delete(peerId);
    half?.handshake.connection.refuse('closing', reason);
  }

  close(reason: string): void {
    for (const connection of this.#strangers) connection.refuse('closing', reason);
  }

  #receive(handshake: AcceptHandshake, remote: HelloFields, known: PeerLink | undefined): void {
    if (known) {
      // The peer would not dial if it knew the link; if that is dead on its side, a ping finds out.
      known.probe(this.#station.clock());
      return handshake.welcome(true);
    }
    if (this.#roster.size + this.#halves.size >= this.#station.limits.linksMax) {
      throw new Refusal('overloaded', 'as many links as are allowed');
    }
    const half = this.halfOf(remote.peerId);
    if (half === remote.incarnation) return handshake.welcome(true);
    if (half !== undefined && half > remote.incarnation) throw stale(remote);
    this.dropHalf(remote.peerId, 'the peer has restarted');
    this.#halves.set(remote.peerId, { handshake, remote });
    return handshake.welcome(false);
  }

  #bind(handshake: AcceptHandshake, remote: HelloFields, link: PeerLink | undefined): void {
    if (!link) {
      handshake.park('unlinked', 'there is no control connection with this peer');
      this.#parked.set(handshake, remote);
      return;
    }
    this.#parked.delete(handshake);
    handshake.welcome(false);
    link.attachUplink(this.#take(handshake), remote.version);
  }

  /** The caller gives it its next owner at once. */
  #take(handshake: AcceptHandshake): Connection {
    handshake.finish();
    this.#strangers.delete(handshake.connection);
    return handshake.connection;
  }

  #turnAway(socket: Socket): void {
    this.#station.log.warn({ handshakesMax: this.#station.limits.handshakesMax }, 'too many handshakes at once');
    socket.on('error', () => {});
    socket.write(encodeMessage({ type: 'error', code: 'overloaded', reason: 'too many handshakes at once' }));
    socket.destroySoon();
  }
}

/** How a TLS handshake begins; as a frame it would be longer than any. */
const refuseTls = (connection: Connection, bytes: Uint8Array): void => {
  if (bytes[0] === 0x16 && bytes[1] === 3) connection.refuse('credential', 'it speaks TLS, which is not set up here');
};

const stale = ({ incarnation }: HelloFields): Refusal =>
  new Refusal('stale', `incarnation ${incarnation} is over: there is a newer one`);
