import {
  type Challenge,
  type ConnectionKind,
  type ErrorCode,
  type Hello,
  type HelloFields,
  type Message,
  ProtocolError,
} from '@shoal/protocol';
import type { ConnectionOwner } from './connection.ts';
import type { DataConnection } from './data-connection.ts';
import { agreeVersion, judge } from './judge.ts';
import { freshNonce } from './proof.ts';
import { helloOf, type Station } from './station.ts';

export interface DialOutcome<Dialled extends DataConnection> {
  /** Takes the connection over, from inside its receive callback, or refuses it. `failed` does not follow. */
  proven(connection: Dialled, remote: HelloFields): void;
  /** Instead of `proven`: unreachable, refused, out of time, or stopped. */
  failed(reason: string, refusal?: ErrorCode): void;
}

/** The dialer's side of a handshake: CHALLENGE comes, HELLO goes, HELLO comes. */
export class DialHandshake<Dialled extends DataConnection> implements ConnectionOwner {
  readonly connection: Dialled;
  readonly #station: Station;
  readonly #kind: ConnectionKind;
  readonly #outcome: DialOutcome<Dialled>;
  readonly #nonce = freshNonce();
  readonly #deadline: NodeJS.Timeout;
  #challenged = false;
  #proven = false;

  constructor(
    station: Station,
    kind: ConnectionKind,
    outcome: DialOutcome<Dialled>,
    dial: (owner: ConnectionOwner) => Dialled,
  ) {
    this.#station = station;
    this.#kind = kind;
    this.#outcome = outcome;
    this.connection = dial(this);
    const { handshakeTimeoutMs } = station.limits;
    this.#deadline = setTimeout(() => this.stop(`no handshake within ${handshakeTimeoutMs} ms`), handshakeTimeoutMs);
  }

  stop(reason: string): void {
    this.connection.refuse('closing', reason);
  }

  message(message: Message): void {
    if (message.type === 'challenge' && !this.#challenged) return this.#answer(message);
    if (message.type === 'hello' && this.#challenged) return this.#accept(message);
    throw new ProtocolError(`${message.type} is out of its place`);
  }

  closed(reason: string, refusal?: ErrorCode): void {
    clearTimeout(this.#deadline);
    if (!this.#proven) this.#outcome.failed(reason, refusal);
  }

  #answer(challenge: Challenge): void {
    this.#challenged = true;
    this.connection.send(
      helloOf(this.#station, {
        label: 'shoal-tcp-dial-v1',
        connection: this.#kind,
        version: agreeVersion(challenge),
        ownNonce: this.#nonce,
        remoteNonce: challenge.nonce,
      }),
    );
  }

  #accept(hello: Hello): void {
    const { certifiedIds } = this.connection;
    const remote = judge(this.#station, hello, { label: 'shoal-tcp-listen-v1', nonce: this.#nonce, certifiedIds });
    clearTimeout(this.#deadline);
    this.#proven = true;
    this.#outcome.proven(this.connection, remote);
  }
}
