import type { Socket } from 'node:net';
import { encodeMessage } from '@shoal/protocol';
import { remoteOf } from './remote.ts';
import type { Acceptor } from './socket-factory.ts';

interface Pending {
  readonly socket: Socket;
  timer: NodeJS.Timeout;
}

/** TCP connections on which TLS does not carry bytes yet, bounded in number and in time. */
export class PendingHandshakes {
  readonly #acceptor: Acceptor;
  readonly #pending = new Map<string, Pending>();

  constructor(acceptor: Acceptor) {
    this.#acceptor = acceptor;
  }

  /** False: there are too many, and it is closed. */
  add(socket: Socket): boolean {
    const remote = remoteOf(socket);
    const { handshakesMax, handshakeTimeoutMs } = this.#acceptor.limits;
    if (this.#pending.size >= handshakesMax || remote === 'unknown') {
      this.#acceptor.refused(remote, `${handshakesMax} TLS handshakes are under way`);
      socket.destroy();
      return false;
    }
    const timer = setTimeout(() => this.#halfTime(socket, remote), handshakeTimeoutMs / 2);
    this.#pending.set(remote, { socket, timer });
    socket.once('close', () => this.#remove(remote));
    return true;
  }

  /** @param socket what TLS has made of it */
  done(socket: Socket): void {
    this.#remove(remoteOf(socket));
  }

  close(): void {
    for (const { socket } of this.#pending.values()) socket.destroy();
  }

  #halfTime(socket: Socket, remote: string): void {
    if (socket.bytesRead === 0) return this.#answerPlain(socket, remote);
    const pending = this.#pending.get(remote);
    const { handshakeTimeoutMs } = this.#acceptor.limits;
    if (pending) pending.timer = setTimeout(() => this.#giveUp(socket, remote), handshakeTimeoutMs / 2);
  }

  /**
   * Over TLS the dialer speaks first, without it the listener: who says nothing waits for a CHALLENGE, and would do so
   * until its deadline without knowing why.
   */
  #answerPlain(socket: Socket, remote: string): void {
    this.#acceptor.refused(remote, 'it does not begin with TLS, which is required here');
    socket.write(encodeMessage({ type: 'error', code: 'credential', reason: 'TLS is required here' }));
    socket.destroySoon();
  }

  /** The timeout of node:tls is one between two arrivals of bytes, which a trickle of them puts off for ever. */
  #giveUp(socket: Socket, remote: string): void {
    this.#acceptor.refused(remote, `no TLS handshake within ${this.#acceptor.limits.handshakeTimeoutMs} ms`);
    socket.destroy();
  }

  #remove(remote: string): void {
    clearTimeout(this.#pending.get(remote)?.timer);
    this.#pending.delete(remote);
  }
}
