import { once } from 'node:events';
import net from 'node:net';
import type { Address } from '@shoal/core';
import type { EndpointLimits } from './endpoint-limits.ts';
import { receiveBuffer } from './receive-buffer.ts';

/** Takes what arrived; the bytes are valid during the call. */
export type Receive = (bytes: Uint8Array) => void;

export interface Listener {
  readonly address: Address;
  /** Stops accepting. Accepted sockets are the caller's to close; resolves when they have closed. */
  close(): Promise<void>;
}

/** Who takes what a listener accepts. */
export interface Acceptor {
  /** Bounds of handshakes below the frames: of TLS. */
  readonly limits: Pick<EndpointLimits, 'handshakesMax' | 'handshakeTimeoutMs'>;
  /** Bytes can be exchanged; over TLS the other side has shown its certificate. */
  accepted(socket: net.Socket): void;
  /** Whoever connected did not get as far as that. */
  refused(remote: string, reason: string): void;
  /** A connection could not be accepted; the listener goes on. */
  failed(error: Error): void;
}

/** Where sockets come from: TCP, or TLS over it. Sockets have Nagle's algorithm off. */
export interface SocketFactory {
  /** Both sides show certificates, and what is said is encrypted. */
  readonly secure: boolean;
  /** @throws the listener's error, such as EADDRINUSE */
  listen(address: Address, acceptor: Acceptor): Promise<Listener>;
  /** A socket that connects; all it receives goes to `receive`, in slices of the thread's shared buffer. */
  connect(address: Address, receive: Receive): net.Socket;
  /** The subject alternative names of the certificate that the other side has shown, as node:crypto spells them. */
  namesOf(socket: net.Socket): string | undefined;
}

/** The kernel's own probes find a data connection that died without a word. */
export const socketOptions = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 };

/** Receives into the thread's shared buffer. */
export const readInto = (receive: Receive): net.OnReadOpts => ({
  buffer: receiveBuffer(),
  callback(count, into) {
    receive(into.subarray(0, count));
    return true;
  },
});

/** @throws the listener's error, such as EADDRINUSE */
export const listenTcp = async (
  { host, port }: Address,
  accepted: (socket: net.Socket) => void,
  failed: (error: Error) => void,
): Promise<Listener> => {
  const server = net.createServer(socketOptions, accepted);
  server.listen({ host, port });
  await once(server, 'listening');
  server.on('error', failed);
  const bound = server.address() as net.AddressInfo;
  return {
    address: { host: bound.address, port: bound.port },
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
};

export const tcpSockets: SocketFactory = {
  secure: false,
  listen: (address, { accepted, failed }) => listenTcp(address, accepted, failed),
  connect: ({ host, port }, receive) => net.connect({ host, port, ...socketOptions, onread: readInto(receive) }),
  namesOf: () => undefined,
};
