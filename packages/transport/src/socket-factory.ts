import { once } from 'node:events';
import net from 'node:net';
import type { Address } from '@shoal/core';
import { receiveBuffer } from './receive-buffer.ts';

/** Takes what arrived; the bytes are valid during the call. */
export type Receive = (bytes: Uint8Array) => void;

export interface Listener {
  readonly address: Address;
  /** Stops accepting. Accepted sockets are the caller's to close; resolves when they have closed. */
  close(): Promise<void>;
}

/** Where sockets come from: TCP, or TLS over it. Sockets have Nagle's algorithm off. */
export interface SocketFactory {
  /**
   * @param failed a connection could not be accepted; the listener goes on
   * @throws the listener's error, such as EADDRINUSE
   */
  listen(address: Address, accepted: (socket: net.Socket) => void, failed: (error: Error) => void): Promise<Listener>;
  /** A socket that connects; all it receives goes to `receive`, in slices of the thread's shared buffer. */
  connect(address: Address, receive: Receive): net.Socket;
}

/** The kernel's own probes find a data connection that died without a word. */
const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };

export const tcpSockets: SocketFactory = {
  async listen({ host, port }, accepted, failed) {
    const server = net.createServer(options, accepted);
    server.listen({ host, port });
    await once(server, 'listening');
    server.on('error', failed);
    const bound = server.address() as net.AddressInfo;
    return {
      address: { host: bound.address, port: bound.port },
      close: () => new Promise((resolve) => void server.close(() => resolve())),
    };
  },

  connect({ host, port }, receive) {
    const callback = (count: number, into: Uint8Array): boolean => {
      receive(into.subarray(0, count));
      return true;
    };
    return net.connect({ host, port, ...options, onread: { buffer: receiveBuffer(), callback } });
  },
};
