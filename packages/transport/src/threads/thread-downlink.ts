import { writeSync } from 'node:fs';
import type { Address } from '@shoal/core';
import type { DataHeader, ErrorCode, FrameSink, Message } from '@shoal/protocol';
import { Connection, type ConnectionOwner } from '../connection.ts';
import type { RouteSpan } from '../data-connection.ts';
import { tcpSockets } from '../socket-factory.ts';
import type { Outbox } from './outbox.ts';
import { isOpen, type RouteKey, whileOpen } from './route-locks.ts';

/** The hash of a piece as its bytes land; store's PieceHasher is one. */
export interface PieceDigest {
  update(bytes: Uint8Array): void;
  finish(): Uint8Array;
}

/** What the connections of a thread share. */
export interface ThreadParts {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly lingerMs: number;
  readonly outbox: Outbox;
  /** Carries out the commands that have come so far. */
  readonly obey: () => void;
  readonly hasher: () => PieceDigest;
}

/** Bytes without a route that are on their way to the other thread, before this one reads no more. */
const relayedBytesMax = 8 * 1024 * 1024;

/** Routes that may wait for their pieces before closed ones are looked for. */
const routesKeptMax = 1024;

interface OpenRoute {
  readonly key: RouteKey;
  readonly span: RouteSpan;
  hasher: PieceDigest;
  received: number;
}

/**
 * A data connection in its thread. Payload that has a route is written and hashed here; everything else goes to
 * the thread of the endpoint as it came, and is judged there.
 */
export class ThreadDownlink implements ConnectionOwner {
  readonly data: Omit<FrameSink, 'message'>;
  readonly #id: number;
  readonly #parts: ThreadParts;
  readonly #connection: Connection;
  readonly #routes = new Map<string, OpenRoute>();
  #current: OpenRoute | undefined;
  #relaying = false;
  #relayed = 0;
  #paused = false;

  constructor(id: number, address: Address, parts: ThreadParts) {
    this.#id = id;
    this.#parts = parts;
    const { lingerMs, outbox } = parts;
    this.data = {
      dataBegin: (header) => this.#begin(header),
      dataBytes: (bytes) => this.#bytes(bytes),
      dataEnd: () => {
        if (this.#relaying) outbox.push({ id, type: 'end' });
      },
    };
    const socket = tcpSockets.connect(address, (bytes) => connection.receive(bytes));
    const context = { clock: () => performance.now(), limits: { lingerMs }, sockets: tcpSockets };
    const connection = new Connection(socket, this, context);
    this.#connection = connection;
    void connection.socketClosed.then(() => outbox.push({ id, type: 'gone' }));
  }

  send(message: Message): void {
    this.#connection.send(message);
  }

  refuse(code: ErrorCode, reason: string): void {
    this.#connection.refuse(code, reason);
  }

  destroy(reason: string): void {
    this.#connection.destroy(reason);
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#read();
  }

  taken(bytes: number): void {
    this.#relayed -= bytes;
    this.#read();
  }

  /** Closing a route tells this thread nothing: those of pieces that never came are forgotten when there are many. */
  route(key: RouteKey, span: RouteSpan): void {
    if (this.#routes.size >= routesKeptMax)
      for (const [place, { key: old }] of this.#routes) if (!isOpen(this.#parts.words, old)) this.#routes.delete(place);
    this.#routes.set(placeOf(span), { key, span, hasher: this.#parts.hasher(), received: 0 });
  }

  message(message: Message): void {
    // The listener's HELLO is its last word of the handshake; whether it is believed is the endpoint's to say.
    if (message.type === 'hello') this.#connection.phase = 'data';
    this.#parts.outbox.push({ id: this.#id, type: 'message', message });
  }

  fault(code: ErrorCode, reason: string): void {
    this.#parts.outbox.push({ id: this.#id, type: 'fault', code, reason });
  }

  closed(reason: string, refusal?: ErrorCode): void {
    this.#parts.outbox.push({ id: this.#id, type: 'closed', reason, refusal });
  }

  #begin(header: DataHeader): void {
    const route = this.#openRoute(header);
    this.#relaying = route === undefined;
    this.#current = undefined;
    if (!route) return this.#parts.outbox.push({ id: this.#id, type: 'begin', header });
    const { span } = route;
    if (header.offset === span.offset && route.received > 0) {
      route.hasher = this.#parts.hasher();
      route.received = 0;
    }
    const fits = header.offset === span.offset + route.received && route.received + header.length <= span.length;
    if (fits) this.#current = route;
  }

  /** A frame without payload tells that a transfer has stopped: no file is concerned. */
  #openRoute(header: DataHeader): OpenRoute | undefined {
    if (header.length === 0) return undefined;
    const place = placeOf(header);
    // While one socket is read to its end no command arrives by itself.
    if (!this.#routes.has(place)) this.#parts.obey();
    const route = this.#routes.get(place);
    if (!route || isOpen(this.#parts.words, route.key)) return route;
    this.#routes.delete(place);
    return undefined;
  }

  #bytes(bytes: Uint8Array): void {
    if (this.#relaying) return this.#relay(bytes);
    if (!this.#current || !this.#land(this.#current, bytes))
      this.#parts.outbox.push({ id: this.#id, type: 'dropped', bytes: bytes.length });
  }

  #relay(bytes: Uint8Array): void {
    this.#relayed += bytes.length;
    this.#parts.outbox.push({ id: this.#id, type: 'bytes', bytes: new Uint8Array(bytes) });
    this.#read();
  }

  /** False when the route was closed in the meantime. */
  #land(route: OpenRoute, bytes: Uint8Array): boolean {
    const { key, span, received } = route;
    const { channel, piece, length } = span;
    const header = { channel, piece, offset: span.offset + received, length: bytes.length };
    const event = { id: this.#id, type: 'landed', key, header } as const;
    try {
      if (!whileOpen(this.#parts.words, key, () => writeFully(span.fd, bytes, header.offset))) {
        this.#forget(route);
        return false;
      }
    } catch (error) {
      this.#forget(route);
      const { message, code } = error as NodeJS.ErrnoException;
      this.#parts.outbox.landed({ ...event, error: { message, code } });
      return true;
    }
    route.hasher.update(bytes);
    route.received += bytes.length;
    if (route.received < length) this.#parts.outbox.landed(event);
    else {
      // Nothing may overwrite what is about to be judged.
      this.#forget(route);
      this.#parts.outbox.landed({ ...event, digest: route.hasher.finish() });
    }
    return true;
  }

  #forget(route: OpenRoute): void {
    this.#current = undefined;
    if (this.#routes.get(placeOf(route.span)) === route) this.#routes.delete(placeOf(route.span));
  }

  #read(): void {
    if (this.#paused || this.#relayed > relayedBytesMax) this.#connection.pause();
    else this.#connection.resume();
  }
}

const placeOf = ({ channel, piece }: Pick<RouteSpan, 'channel' | 'piece'>): string => `${channel}:${piece}`;

const writeFully = (fd: number, bytes: Uint8Array, position: number): void => {
  for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
};
