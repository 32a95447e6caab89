import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type PeerId, ShoalError } from '@shoal/core';
import {
  type DataHeader,
  encodeMessage,
  type ErrorCode,
  FrameDecoder,
  type FrameSink,
  type Message,
  type Phase,
  ProtocolError,
} from '@shoal/protocol';
import { certifiedIds } from './certified-ids.ts';
import type { DataConnection, Landed } from './data-connection.ts';
import type { EndpointLimits } from './endpoint-limits.ts';
import { Refusal } from './refusal.ts';
import type { Sendfile } from './sendfile/index.ts';
import { remoteOf } from './remote.ts';
import type { SocketFactory } from './socket-factory.ts';
import { tlsReason } from './tls-reason.ts';

/**
 * Whoever a connection belongs to at the moment. A ShoalError thrown by one of these closes the connection with its
 * message as the reason.
 */
export interface ConnectionOwner {
  message(message: Message): void;
  /** Without it, DATA is a violation. */
  readonly data?: DataOwner;
  /** A frame that breaks the grammar or was refused; by default the connection is refused with that. */
  fault?(code: ErrorCode, reason: string): void;
  /** Once; nothing comes afterwards. `refusal` when the peer gave a reason. */
  closed(reason: string, refusal?: ErrorCode): void;
}

/** Where DATA goes. The last two are for payload that has a route. */
export interface DataOwner extends Omit<FrameSink, 'message'> {
  dataLanded?(landed: Landed): void;
  /** So many bytes came that no piece wants any more. */
  dataDropped?(bytes: number): void;
}

/** What a connection needs of the endpoint it is part of. */
interface ConnectionContext {
  readonly clock: () => number;
  readonly limits: Pick<EndpointLimits, 'lingerMs'>;
  readonly sockets: Pick<SocketFactory, 'namesOf'>;
  readonly sendfile?: Sendfile | undefined;
}

/** A socket that speaks frames: receives for its owner, sends, and closes with a reason. */
export class Connection implements FrameSink, DataConnection {
  owner: ConnectionOwner;
  /** Resolves when no handle of it is left, which may be some time after `closed`. */
  readonly socketClosed: Promise<void>;
  /** When bytes last came, by `clock`. */
  heardMs: number;
  /** A head and bytes of a file, behind all that was written: answers how many the kernel took. See Sendfile. */
  readonly sendFile: ((head: Uint8Array, fd: number, position: number, length: number) => number) | undefined;
  readonly #socket: Socket;
  readonly #clock: () => number;
  readonly #lingerMs: number;
  readonly #sockets: ConnectionContext['sockets'];
  readonly #decoder: FrameDecoder;
  #linger: NodeJS.Timeout | undefined;
  #open = true;
  #reported = false;

  constructor(socket: Socket, owner: ConnectionOwner, { clock, limits, sockets, sendfile }: ConnectionContext) {
    this.#socket = socket;
    this.owner = owner;
    this.#clock = clock;
    this.#lingerMs = limits.lingerMs;
    this.#sockets = sockets;
    if (sendfile && !(socket instanceof TLSSocket))
      this.sendFile = (head, fd, position, length) => (this.#open ? sendfile(socket, fd, position, length, head) : 0);
    this.heardMs = clock();
    this.#decoder = new FrameDecoder(this);
    socket.on('error', (error: NodeJS.ErrnoException) => this.#lost(tlsReason(error) ?? error.code ?? error.message));
    socket.on('end', () => this.#lost('the peer closed the connection'));
    const { promise, resolve } = Promise.withResolvers<void>();
    this.socketClosed = promise;
    socket.on('close', () => {
      clearTimeout(this.#linger);
      this.#lost('the connection closed');
      resolve();
    });
  }

  /** Which frames may come from now on. */
  set phase(phase: Phase) {
    this.#decoder.phase = phase;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Bytes that wait in this process for the kernel. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** For logs. */
  get remote(): string {
    return remoteOf(this.#socket);
  }

  /** What the other side's certificate allows it to be; see `certifiedIds`. */
  get certifiedIds(): ReadonlySet<PeerId> | undefined {
    return certifiedIds(this.#sockets.namesOf(this.#socket));
  }

  /** Feeds the decoder; for the socket only. */
  receive(bytes: Uint8Array): void {
    if (!this.#open) return;
    this.heardMs = this.#clock();
    this.guard(() => this.#decoder.push(bytes));
  }

  guard(handle: () => void): void {
    try {
      handle();
    } catch (error) {
      const { code, reason } = faultOf(error);
      if (this.owner.fault) this.owner.fault(code, reason);
      else this.refuse(code, reason);
    }
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (this.#open) this.#socket.resume();
  }

  send(message: Message): void {
    this.write(encodeMessage(message));
  }

  /** `done` is called once and never from inside: true when the kernel has the bytes. */
  write(bytes: Uint8Array, done?: (ok: boolean) => void): void {
    if (!this.#open) return void queueMicrotask(() => done?.(false));
    this.#socket.write(bytes, (error) => done?.(!error));
  }

  /** Tells the peer why in an ERROR, ends with FIN, and lets it read that for a while. */
  refuse(code: ErrorCode, reason: string): void {
    if (!this.#open) return;
    if (isOpening(this.#socket)) return this.destroy(reason);
    this.#stop();
    this.#socket.end(encodeMessage({ type: 'error', code, reason: reason.slice(0, 160) }));
    this.#socket.resume();
    this.#linger = setTimeout(() => this.#socket.destroy(), this.#lingerMs);
    this.#report(reason);
  }

  /** FIN after all that was written; the peer closes when it has read that. */
  finish(): void {
    if (this.#open) this.#socket.end();
  }

  /** Ends without a word: for a connection that has a control connection beside it to tell why. */
  destroy(reason: string): void {
    this.#stop();
    this.#socket.destroy();
    this.#report(reason);
  }

  message(message: Message): void {
    if (message.type !== 'error') return this.owner.message(message);
    this.#stop();
    this.#socket.destroySoon();
    return this.#report(`the peer says: ${message.reason}`, message.code);
  }

  dataBegin(header: DataHeader): void {
    if (!this.owner.data) throw new ProtocolError('DATA only goes from the listener of a connection to its dialer');
    this.owner.data.dataBegin(header);
  }

  dataBytes(bytes: Uint8Array): void {
    this.owner.data?.dataBytes(bytes);
  }

  dataEnd(): void {
    this.owner.data?.dataEnd();
  }

  #lost(reason: string): void {
    if (!this.#open) return;
    this.destroy(reason);
  }

  #stop(): void {
    this.#open = false;
    this.#decoder.stop();
  }

  #report(reason: string, refusal?: ErrorCode): void {
    if (this.#reported) return;
    this.#reported = true;
    this.owner.closed(reason, refusal);
  }
}

/** What is wrong with a frame whose handling has thrown this. @throws what is no ShoalError */
export const faultOf = (error: unknown): { code: ErrorCode; reason: string } => {
  if (!(error instanceof ShoalError)) throw error;
  return { code: error instanceof Refusal ? error.refusal : 'protocol', reason: error.message };
};

/** Nothing can be said on it yet. */
const isOpening = (socket: Socket): boolean => socket.connecting || (socket instanceof TLSSocket && !socket.authorized);
