import { formatAddress, parsePeerId } from '@shoal/core';
import type { ControlMessage, PeerRole } from '@shoal/protocol';
import { Endpoint, type EndpointHandler, type Link, type Uplink } from '@shoal/transport';
import type { Exchange } from '../exchange.ts';

type Of<T extends ControlMessage['type']> = Extract<ControlMessage, { type: T }>;

let peers = 0;

/** A peer that says whatever a test wants, on a bare endpoint: for what no honest exchange would say. */
export class RawPeer implements EndpointHandler {
  readonly #inbox: ControlMessage[] = [];
  readonly #closes: string[] = [];
  #wake: () => void = () => {};
  #endpoint: Endpoint | undefined;
  #link: Link | undefined;

  static async start(role: PeerRole): Promise<RawPeer> {
    const raw = new RawPeer();
    const peerId = parsePeerId((++peers).toString(16).padStart(40, 'f'));
    const identity = { peerId, incarnation: 1, role, zone: '', clusterId: 'test', address: '' };
    raw.#endpoint = await Endpoint.listen({ identity, listen: { host: '127.0.0.1', port: 0 }, handler: raw });
    return raw;
  }

  get entry(): { peerId: Link['remote']['peerId']; address: string; role: PeerRole } {
    const { peerId, role } = this.#listening.identity;
    return { peerId, role, address: formatAddress(this.#listening.address) };
  }

  get link(): Link {
    if (!this.#link) throw new Error('no link yet');
    return this.#link;
  }

  get open(): boolean {
    return this.#link?.open ?? false;
  }

  dial(exchange: Exchange): Promise<Link> {
    return this.#listening.dial(exchange.address);
  }

  /** The next message of the type; others before it are dropped. */
  async next<T extends ControlMessage['type']>(type: T): Promise<Of<T>> {
    for (;;) {
      for (let message = this.#inbox.shift(); message; message = this.#inbox.shift()) {
        if (message.type === type) return message as Of<T>;
      }
      await this.#changed();
    }
  }

  /** What came before the next message of the type. */
  async before(type: ControlMessage['type']): Promise<ControlMessage[]> {
    for (;;) {
      const index = this.#inbox.findIndex((message) => message.type === type);
      if (index >= 0) return this.#inbox.splice(0, index + 1).slice(0, -1);
      await this.#changed();
    }
  }

  /** Why the link closed. */
  async closed(): Promise<string> {
    while (this.#closes.length === 0) await this.#changed();
    return this.#closes.shift() ?? '';
  }

  /** The data connection that the other side dialled. */
  async uplink(): Promise<Uplink> {
    while (!this.link.uplink) await new Promise((resolve) => setImmediate(resolve));
    return this.link.uplink;
  }

  /** Sends bytes of a piece of 256 KiB, from byte `at` of it on. */
  push({ channel, piece, bytes, at = 0 }: { channel: number; piece: number; bytes: Uint8Array; at?: number }): void {
    const offset = piece * 262_144 + at;
    const readInto = (buffer: Uint8Array, position: number): number => {
      buffer.set(bytes.subarray(position - offset, position - offset + buffer.length));
      return buffer.length;
    };
    this.link.uplink?.start({ channel, piece, offset, length: bytes.length, reader: { readInto }, onEnd: () => {} });
  }

  async close(): Promise<void> {
    await this.#endpoint?.close();
  }

  linkOpened(link: Link): void {
    this.#link = link;
    this.#wake();
  }

  linkClosed(_link: Link, reason: string): void {
    this.#closes.push(reason);
    this.#wake();
  }

  message(_link: Link, message: ControlMessage): void {
    this.#inbox.push(message);
    this.#wake();
  }

  dataBegin(): void {}
  dataBytes(): void {}
  dataEnd(): void {}
  dataOpened(): void {}
  dataClosed(): void {}

  get #listening(): Endpoint {
    if (!this.#endpoint) throw new Error('not listening');
    return this.#endpoint;
  }

  #changed(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
