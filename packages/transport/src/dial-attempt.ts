import { type Address, formatAddress } from '@shoal/core';
import type { ErrorCode, HelloFields } from '@shoal/protocol';
import type { Connection } from './connection.ts';
import { DialError } from './dial-error.ts';
import { DialHandshake, type DialOutcome } from './dial-handshake.ts';
import type { FrontDesk } from './front-desk.ts';
import { identityOf } from './judge.ts';
import type { PeerLink } from './peer-link.ts';
import type { Roster } from './roster.ts';
import { connect, type Station } from './station.ts';

interface Caller {
  resolve(link: PeerLink): void;
  reject(error: DialError): void;
}

export interface DialParts {
  readonly station: Station;
  readonly roster: Roster;
  readonly desk: FrontDesk;
  readonly ended: () => void;
}

/**
 * One dial, whoever asks for it. When both peers dial each other at once, the connection that the smaller peer id
 * dialled stays: each side that has both in its hands drops the other one before it opens a link, so that no
 * message is lost on it. A side that opened one earlier answers the second with `duplicate`.
 */
export class DialAttempt implements DialOutcome<Connection> {
  readonly #address: Address;
  readonly #parts: DialParts;
  readonly #callers = new Set<Caller>();
  readonly #handshake: DialHandshake<Connection>;
  #stopWaiting: (() => void) | undefined;

  constructor(address: Address, parts: DialParts) {
    this.#address = address;
    this.#parts = parts;
    const { station } = parts;
    this.#handshake = new DialHandshake(station, 'control', this, (owner) => connect(station, address, owner));
  }

  /** @throws DialError */
  join(signal?: AbortSignal): Promise<PeerLink> {
    const { promise, resolve, reject } = Promise.withResolvers<PeerLink>();
    const caller = { resolve, reject };
    const abort = (): void => {
      this.#callers.delete(caller);
      reject(this.#error('aborted', undefined, signal?.reason));
      if (this.#callers.size === 0) this.stop('aborted');
    };
    this.#callers.add(caller);
    signal?.addEventListener('abort', abort, { once: true });
    return promise.finally(() => signal?.removeEventListener('abort', abort));
  }

  stop(reason: string): void {
    this.#handshake.stop(reason);
    this.failed(reason);
  }

  proven(connection: Connection, remote: HelloFields): void {
    const { roster, desk, station } = this.#parts;
    const known = roster.of(remote.peerId);
    if (known && known.remote.incarnation > remote.incarnation) {
      connection.refuse('stale', `incarnation ${remote.incarnation} is over`);
      return this.failed('a newer incarnation of this peer is linked');
    }
    if (known?.remote.incarnation === remote.incarnation) return this.#yield(connection, remote, known);
    const half = desk.halfOf(remote.peerId);
    const theirs = half === remote.incarnation && remote.peerId < station.identity.peerId;
    if (remote.duplicate || theirs) return this.#yield(connection, remote, undefined);
    desk.dropHalf(remote.peerId, 'the other connection stays');
    connection.send({ type: 'ready' });
    return this.#succeed(roster.open(connection, identityOf(remote), this.#address));
  }

  failed(reason: string, refusal?: ErrorCode): void {
    this.#end((caller) => caller.reject(this.#error(reason, refusal)));
  }

  /** Another connection with this peer stays: take its link, or wait for it. */
  #yield(connection: Connection, { peerId }: HelloFields, link: PeerLink | undefined): void {
    const { roster, station } = this.#parts;
    connection.refuse('closing', 'the other connection stays');
    if (link) return this.#succeed(link);
    const opened = (found: PeerLink | undefined, reason: string): void =>
      found ? this.#succeed(found) : this.failed(`the connection that the peer dialled: ${reason}`);
    const late = (): void => this.failed(`the peer has a link that did not open here in time`);
    const deadline = setTimeout(late, station.limits.handshakeTimeoutMs);
    roster.await(peerId, opened);
    this.#stopWaiting = () => {
      clearTimeout(deadline);
      roster.unawait(peerId, opened);
    };
    return undefined;
  }

  #succeed(link: PeerLink): void {
    this.#end((caller) => caller.resolve(link));
  }

  #end(tell: (caller: Caller) => void): void {
    this.#stopWaiting?.();
    this.#parts.ended();
    for (const caller of this.#callers) tell(caller);
    this.#callers.clear();
  }

  #error(reason: string, refusal?: ErrorCode, cause?: unknown): DialError {
    return new DialError(formatAddress(this.#address), reason, { refusal, cause });
  }
}
