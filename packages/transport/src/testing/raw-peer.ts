import { EventEmitter, once } from 'node:events';
import type net from 'node:net';
import type { Address } from '@shoal/core';
import {
  type ConnectionKind,
  type DataHeader,
  encodeHelloFields,
  encodeMessage,
  FrameDecoder,
  type HelloFields,
  type Message,
  type Phase,
} from '@shoal/protocol';
import { Proofs, type ProofLabel } from '../proof.ts';
import { identity, patienceMs } from './node.ts';
import { wire } from './wire.ts';

/** A peer that says whatever a test wants it to, over a bare socket. */
export class RawPeer {
  readonly socket: net.Socket;
  readonly messages: Message[] = [];
  readonly data: DataHeader[] = [];
  readonly decoder: FrameDecoder;
  readonly ended: Promise<void>;
  readonly #changes = new EventEmitter();

  constructor(socket: net.Socket) {
    this.socket = socket;
    this.decoder = new FrameDecoder({
      message: (message) => {
        this.messages.push(message);
        this.#changes.emit('change');
      },
      dataBegin: (header) => void this.data.push(header),
      dataBytes() {},
      dataEnd() {},
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    socket.on('data', (bytes: Uint8Array) => this.decoder.push(bytes));
    socket.on('error', () => {});
    socket.on('end', () => this.#changes.emit('change'));
    socket.on('close', () => {
      this.#changes.emit('change');
      resolve();
    });
  }

  static async dial(address: Address): Promise<RawPeer> {
    const socket = wire().connect(address);
    const peer = new RawPeer(socket);
    await once(socket, wire().connected);
    return peer;
  }

  send(message: Message): void {
    this.socket.write(encodeMessage(message));
  }

  /** The next message of this type, or undefined when the connection ends, or the patience of tests, before one. */
  async next<T extends Message['type']>(type: T): Promise<Extract<Message, { type: T }> | undefined> {
    const signal = AbortSignal.timeout(patienceMs);
    for (;;) {
      const index = this.messages.findIndex((message) => message.type === type);
      if (index >= 0) return this.messages.splice(index, 1)[0] as Extract<Message, { type: T }>;
      if (this.socket.destroyed || this.socket.readableEnded || signal.aborted) return undefined;
      await once(this.#changes, 'change', { signal }).catch(() => {});
    }
  }

  hello(
    fields: Partial<HelloFields>,
    proof: { secret?: string | undefined; label?: ProofLabel; nonce: Uint8Array },
  ): void {
    const signed = encodeHelloFields({
      ...identity({ address: '127.0.0.1:1' }),
      version: 1,
      connection: 'control',
      nonce: new Uint8Array(32),
      duplicate: false,
      ...fields,
    });
    const credential = new Proofs(proof.secret).prove(proof.label ?? 'shoal-tcp-dial-v1', proof.nonce, signed);
    this.send({ type: 'hello', signed, ...(credential && { credential }) });
  }

  /** Dials and goes through the whole handshake. */
  static async link(address: Address, fields: Partial<HelloFields> = {}): Promise<RawPeer> {
    const peer = await RawPeer.dial(address);
    const challenge = await peer.next('challenge');
    peer.hello(fields, { nonce: challenge!.nonce });
    await peer.next('hello');
    const kind: ConnectionKind = fields.connection ?? 'control';
    peer.decoder.phase = kind satisfies Phase;
    if (kind === 'control') peer.send({ type: 'ready' });
    return peer;
  }
}

/** Listens on a free port and hands out what connects. */
export const rawListener = async (
  accepted: (peer: RawPeer) => void,
): Promise<{ address: Address } & AsyncDisposable> => {
  const peers: RawPeer[] = [];
  const server = wire().createServer({}, (socket) => {
    const peer = new RawPeer(socket);
    peers.push(peer);
    accepted(peer);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  return {
    address: { host: '127.0.0.1', port },
    async [Symbol.asyncDispose]() {
      for (const { socket } of peers) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
};
