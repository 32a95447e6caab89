import {
  type ErrorCode,
  type Hello,
  type HelloFields,
  type Message,
  ProtocolError,
  protocolVersion,
  protocolVersionMin,
} from '@shoal/protocol';
import type { Connection, ConnectionOwner } from './connection.ts';
import { judge } from './judge.ts';
import { freshNonce } from './proof.ts';
import { helloOf, type Station } from './station.ts';

/** Who decides what becomes of a dialer that has proven itself. */
export interface Reception {
  /** Calls `welcome` now or later, or refuses by a Refusal or `handshake.connection.refuse`. */
  proven(handshake: AcceptHandshake, remote: HelloFields): void;
  /** The dialer of a control connection has taken it: it is to be taken over. */
  ready(handshake: AcceptHandshake, remote: HelloFields): void;
  /** The connection is gone, or out of time, before somebody took it over. */
  failed(handshake: AcceptHandshake, reason: string, refusal?: ErrorCode): void;
}

/** The listener's side of a handshake: CHALLENGE goes, HELLO comes, HELLO goes, READY comes (on control connections). */
export class AcceptHandshake implements ConnectionOwner {
  readonly connection: Connection;
  readonly #station: Station;
  readonly #reception: Reception;
  readonly #nonce = freshNonce();
  readonly #deadline: NodeJS.Timeout;
  #remote: HelloFields | undefined;
  #welcomed = false;
  #late: [ErrorCode, string] | undefined;

  constructor(station: Station, connection: Connection, reception: Reception) {
    this.#station = station;
    this.#reception = reception;
    this.connection = connection;
    connection.owner = this;
    const { handshakeTimeoutMs } = station.limits;
    this.#deadline = setTimeout(() => {
      connection.refuse(...(this.#late ?? ['closing', `no handshake within ${handshakeTimeoutMs} ms`]));
    }, handshakeTimeoutMs);
    connection.send({
      type: 'challenge',
      versionMin: protocolVersionMin,
      versionMax: protocolVersion,
      nonce: this.#nonce,
    });
  }

  /** Answers with this node's HELLO. @param duplicate the dialer is to use the connection it has, and close this one */
  welcome(duplicate: boolean): void {
    if (!this.#remote) return;
    this.#welcomed = !duplicate;
    this.connection.send(
      helloOf(this.#station, {
        label: 'shoal-tcp-listen-v1',
        connection: this.#remote.connection,
        version: this.#remote.version,
        ownNonce: this.#nonce,
        remoteNonce: this.#remote.nonce,
        duplicate,
      }),
    );
  }

  /** Lets the dialer wait for its answer; with this it is refused when the deadline comes. */
  park(code: ErrorCode, reason: string): void {
    this.#late = [code, reason];
  }

  /** The connection gets another owner. */
  finish(): void {
    clearTimeout(this.#deadline);
  }

  message(message: Message): void {
    if (message.type === 'hello' && !this.#remote) return this.#hear(message);
    if (message.type === 'ready' && this.#welcomed && this.#remote?.connection === 'control') {
      return this.#reception.ready(this, this.#remote);
    }
    throw new ProtocolError(`${message.type} is out of its place`);
  }

  closed(reason: string, refusal?: ErrorCode): void {
    clearTimeout(this.#deadline);
    this.#reception.failed(this, reason, refusal);
  }

  #hear(hello: Hello): void {
    const { certifiedIds } = this.connection;
    this.#remote = judge(this.#station, hello, { label: 'shoal-tcp-dial-v1', nonce: this.#nonce, certifiedIds });
    this.#reception.proven(this, this.#remote);
  }
}
