import { parseAddress, type Address } from '@shoal/core';
import {
  chunkBytesOf,
  type ControlMessage,
  encodeMessage,
  type ErrorCode,
  type Message,
  ProtocolError,
} from '@shoal/protocol';
import type { Connection, ConnectionOwner } from './connection.ts';
import type { Route, RouteSpan } from './data-connection.ts';
import { Downlink, type DownlinkOwner } from './downlink.ts';
import type { NodeIdentity } from './identity.ts';
import type { SendOptions } from './link.ts';
import { SendQueue } from './send-queue.ts';
import type { Station } from './station.ts';
import type { Uplink } from './uplink.ts';
import { UplinkSender } from './uplink-sender.ts';

export interface PeerLinkParts {
  readonly id: number;
  readonly remote: NodeIdentity;
  readonly connection: Connection;
  /** Where I dialled it, if I did: reachable for certain, unlike what it advertises. */
  readonly dialled: Address | undefined;
  readonly closed: (link: PeerLink) => void;
}

/** A peer's connections, and what is said over them. */
export class PeerLink implements DownlinkOwner, ConnectionOwner {
  readonly id: number;
  readonly remote: NodeIdentity;
  readonly dialled: Address | undefined;
  readonly #station: Station;
  readonly #connection: Connection;
  readonly #queue: SendQueue;
  readonly #whenClosed: (link: PeerLink) => void;
  #downlink: Downlink | undefined;
  #uplink: { readonly connection: Connection; readonly sender: UplinkSender } | undefined;
  #pingedMs: number | undefined;
  /** How far the uplink was when it last moved, and when. */
  #uplinkAt: { readonly chunks: number; readonly ms: number } | undefined;
  #pings = 0;
  #open = true;

  constructor(station: Station, { id, remote, connection, dialled, closed }: PeerLinkParts) {
    this.#station = station;
    this.id = id;
    this.remote = remote;
    this.dialled = dialled;
    this.#connection = connection;
    this.#whenClosed = closed;
    const { sendQueueBytesMax } = station.limits;
    this.#queue = new SendQueue(connection, sendQueueBytesMax, () => {
      this.#queue.drop();
      this.fault('overloaded', `more than ${sendQueueBytesMax} bytes wait for a peer that does not read`);
    });
    connection.owner = this;
    connection.phase = 'control';
  }

  get open(): boolean {
    return this.#open;
  }

  get dataReady(): boolean {
    return this.#downlink?.ready ?? false;
  }

  get dataPaused(): boolean {
    return this.#downlink?.paused ?? false;
  }

  get uplink(): Uplink | undefined {
    return this.#uplink?.sender;
  }

  get queuedBytes(): number {
    return this.#queue.queuedBytes;
  }

  send(message: ControlMessage, options?: SendOptions): void {
    this.#push(message, options);
  }

  openData(): void {
    if (!this.#open || this.#downlink) return;
    this.#downlink = new Downlink(this.#station, this, this.dialled ?? parseAddress(this.remote.address));
  }

  route(span: RouteSpan): Route | undefined {
    return this.#downlink?.route(span);
  }

  async finishUplink(): Promise<void> {
    const connection = this.#uplink?.connection;
    connection?.finish();
    await connection?.socketClosed;
  }

  close(reason: string): void {
    this.fault('closing', reason);
  }

  /** Closes everything, with a reason to the peer over the control connection. */
  fault(code: ErrorCode, reason: string): void {
    if (!this.#open) return;
    this.#queue.flush();
    this.#connection.refuse(code, reason);
  }

  /** The peer has dialled its data connection, on which `version` is spoken; a second one replaces the first. */
  attachUplink(connection: Connection, version: number): void {
    this.#uplink?.connection.destroy('the peer has dialled another data connection');
    const { upload, log } = this.#station;
    const sender = new UplinkSender(connection, { throttle: upload, log, chunkBytes: chunkBytesOf(version) });
    const uplink = { connection, sender };
    this.#uplink = uplink;
    connection.phase = 'data';
    connection.owner = {
      message: (message) => {
        throw new ProtocolError(`${message.type} is out of its place`);
      },
      fault: (code, reason) => this.fault(code, reason),
      closed: () => {
        if (this.#uplink === uplink) this.#uplink = undefined;
        sender.close();
      },
    };
    this.#station.handler.uplinkOpened?.(this);
  }

  /** Pings a peer that is silent, and closes the link of one that stays so or takes no data. */
  beat(nowMs: number): void {
    const { pingIdleMs, pingTimeoutMs, uplinkTimeoutMs } = this.#station.limits;
    if (this.#uplinkStuckMs(nowMs) >= uplinkTimeoutMs)
      return this.fault('overloaded', `no data was taken for ${uplinkTimeoutMs} ms`);
    const heardMs = Math.max(this.#connection.heardMs, this.#downlink?.heardMs ?? 0);
    if (this.#pingedMs !== undefined && heardMs >= this.#pingedMs) this.#pingedMs = undefined;
    if (this.#pingedMs !== undefined && nowMs - this.#pingedMs >= pingTimeoutMs) {
      this.fault('closing', `no sign of life for ${Math.round(nowMs - heardMs)} ms`);
    } else if (nowMs - heardMs >= pingIdleMs) this.probe(nowMs);
  }

  #uplinkStuckMs(nowMs: number): number {
    const chunks = this.#uplink?.sender.chunksTaken;
    if (chunks === undefined) this.#uplinkAt = undefined;
    else if (this.#uplinkAt?.chunks !== chunks) this.#uplinkAt = { chunks, ms: nowMs };
    return this.#uplinkAt ? nowMs - this.#uplinkAt.ms : 0;
  }

  /** Pings now: the link is closed unless the peer answers in time. */
  probe(nowMs: number): void {
    if (this.#pingedMs !== undefined) return;
    this.#pingedMs = nowMs;
    this.#push({ type: 'ping', nonce: ++this.#pings });
  }

  message(message: Message): void {
    switch (message.type) {
      case 'ping':
        return this.#push({ type: 'pong', nonce: message.nonce });
      case 'pong':
        return;
      case 'challenge':
      case 'hello':
      case 'ready':
      case 'error':
        throw new ProtocolError(`${message.type} is out of its place`);
      default:
        this.#station.handler.message(this, message);
    }
  }

  closed(reason: string): void {
    this.#open = false;
    this.#queue.drop();
    this.#whenClosed(this);
    this.#downlink?.close(reason);
    this.#uplink?.connection.destroy(reason);
    this.#station.log.info({ link: this.id, peer: this.remote.peerId, reason }, 'link closed');
    this.#station.handler.linkClosed(this, reason);
  }

  downlinkOpened(): void {
    this.#station.handler.dataOpened(this);
  }

  downlinkClosed(reason: string): void {
    this.#downlink = undefined;
    this.#station.log.debug({ link: this.id, peer: this.remote.peerId, reason }, 'data connection closed');
    this.#station.handler.dataClosed(this, reason);
  }

  #push(message: Message, options?: SendOptions): void {
    if (this.#open) this.#queue.push(encodeMessage(message), options);
  }
}
