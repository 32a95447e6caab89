import type { Address } from '@shoal/core';
import {
  chunkBytesMax,
  type DataHeader,
  type ErrorCode,
  type HelloFields,
  type Message,
  ProtocolError,
} from '@shoal/protocol';
import type { ConnectionOwner, DataOwner } from './connection.ts';
import type { DataConnection, Route, RouteSpan } from './data-connection.ts';
import { DialHandshake, type DialOutcome } from './dial-handshake.ts';
import { Gathering } from './gathering.ts';
import type { Link } from './link.ts';
import { dialData, type Station } from './station.ts';

/** What a downlink tells its link. */
export interface DownlinkOwner extends Link {
  downlinkOpened(): void;
  downlinkClosed(reason: string): void;
  /** The peer broke the grammar, or the handler refused its DATA. */
  fault(code: ErrorCode, reason: string): void;
}

/** The data connection that I dialled: what a peer uploads to me arrives on it. */
export class Downlink implements DialOutcome<DataConnection>, ConnectionOwner {
  readonly data: DataOwner;
  readonly #station: Station;
  readonly #link: DownlinkOwner;
  readonly #handshake: DialHandshake<DataConnection>;
  readonly #gathering: Gathering | undefined;
  readonly #admitted = (): void => {
    this.#paused = false;
    if (this.#closed) return;
    this.#prepaid = this.#frameBytes;
    this.#station.download?.spend(this.#prepaid);
    this.#connection?.resume();
    // What waits in the kernel is read by then; a peer that sends nothing is to keep nothing from others.
    setImmediate(() => {
      if (this.#prepaid === this.#frameBytes) this.#giveBack();
    });
  };
  readonly #turn = {
    pause: () => this.#connection?.pause(),
    resume: () => {
      if (!this.#paused) this.#connection?.resume();
    },
  };
  #connection: DataConnection | undefined;
  #closed = false;
  #paused = false;
  /** Payload of the last frame. */
  #frameBytes = chunkBytesMax;
  /** Of the frame that was admitted: what is spent only as it comes would let all that wait go on at once. */
  #prepaid = 0;

  constructor(station: Station, link: DownlinkOwner, address: Address) {
    this.#station = station;
    this.#link = link;
    const { handler, download, receiveTurn } = station;
    // Another connection's turn may pass them on: what is wrong with them is the fault of this one.
    const take = (bytes: Uint8Array): void => this.#connection?.guard(() => handler.dataBytes(link, bytes));
    this.#gathering = station.sockets.secure ? new Gathering(take) : undefined;
    this.data = {
      dataBegin: (header: DataHeader) => {
        this.#frameBytes = header.length;
        handler.dataBegin(link, header);
      },
      dataBytes: (bytes: Uint8Array) => {
        if (download) this.#pay(bytes.length);
        receiveTurn.received(bytes.length);
        if (this.#gathering) this.#gathering.add(bytes);
        else handler.dataBytes(link, bytes);
      },
      dataEnd: () => {
        this.#gathering?.end();
        this.#giveBack();
        if (this.#closed) return;
        handler.dataEnd(link);
        this.#awaitAdmission();
        if (!this.#paused) receiveTurn.yield(this.#turn);
      },
      dataLanded: (landed) => handler.dataLanded?.(link, landed),
      dataDropped: (bytes) => handler.dataDropped?.(link, bytes),
    };
    this.#handshake = new DialHandshake(station, 'data', this, (owner) => dialData(station, address, owner));
  }

  get ready(): boolean {
    return this.#connection !== undefined && !this.#closed;
  }

  /** It waits for its turn within the download limit. */
  get paused(): boolean {
    return this.#paused;
  }

  get heardMs(): number {
    return this.#connection?.heardMs ?? 0;
  }

  proven(connection: DataConnection, { peerId, incarnation }: HelloFields): void {
    const { remote } = this.#link;
    if (peerId !== remote.peerId || incarnation !== remote.incarnation) {
      connection.refuse('stale', 'this is another peer than that of the control connection');
      return this.closed('another peer listens at its address');
    }
    connection.owner = this;
    connection.phase = 'data';
    this.#connection = connection;
    return this.#link.downlinkOpened();
  }

  /** From now on, also while the handshake is under way. */
  route(span: RouteSpan): Route | undefined {
    return this.#closed ? undefined : this.#handshake.connection.route?.(span);
  }

  failed(reason: string): void {
    this.closed(reason);
  }

  message(message: Message): void {
    throw new ProtocolError(`${message.type} is out of its place`);
  }

  fault(code: ErrorCode, reason: string): void {
    this.#link.fault(code, reason);
  }

  closed(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#gathering?.drop();
    this.#giveBack();
    this.#link.downlinkClosed(reason);
  }

  close(reason: string): void {
    if (this.#connection) this.#connection.destroy(reason);
    else this.#handshake.stop(reason);
  }

  #pay(bytes: number): void {
    const paid = Math.min(this.#prepaid, bytes);
    this.#prepaid -= paid;
    this.#station.download?.spend(bytes - paid);
  }

  #giveBack(): void {
    this.#station.download?.spend(-this.#prepaid);
    this.#prepaid = 0;
  }

  /**
   * In debt no further frame is read, and TCP slows the sender down. One that has begun is read to its end: many that
   * advance side by side would all take as long as the last of them.
   */
  #awaitAdmission(): void {
    const { download } = this.#station;
    if (this.#paused || download?.admit(this.#admitted) !== false) return;
    this.#paused = true;
    this.#connection?.pause();
  }
}
