import net from 'node:net';
import tls from 'node:tls';
import type { Address } from '@shoal/core';
import { type SocketFactory, tcpSockets } from '../socket-factory.ts';
import { type PeerTls, TlsSockets } from '../tls-sockets.ts';

/** What connections run over, and how a test gets one without an endpoint. */
export interface Wire {
  sockets(): SocketFactory;
  connect(options: Address & { readonly allowHalfOpen?: boolean }): net.Socket;
  /** A short deadline of a handshake: certificates are checked in it, on a machine that does other things as well. */
  shortMs(plain: number): number;
  /** The event of a socket that has connected. */
  readonly connected: 'connect' | 'secureConnect';
  createServer(options: { readonly allowHalfOpen?: boolean }, accepted: (socket: net.Socket) => void): net.Server;
}

const plain: Wire = {
  sockets: () => tcpSockets,
  connect: (options) => net.connect({ ...options }),
  shortMs: (ms) => ms,
  connected: 'connect',
  createServer: (options, accepted) => net.createServer({ ...options }, accepted),
};

export const tlsWire = (certificates: PeerTls): Wire => ({
  sockets: () => new TlsSockets(certificates),
  connect: (options) => tls.connect({ ...options, ...certificates, checkServerIdentity: () => undefined }),
  shortMs: (ms) => 10 * ms,
  connected: 'secureConnect',
  createServer: (options, accepted) => tls.createServer({ ...options, ...certificates, requestCert: true }, accepted),
});

let current = plain;

/** What all tests of this process run over: plain TCP unless they were told otherwise. */
export const wire = (): Wire => current;

export const runOver = (chosen: Wire): void => {
  current = chosen;
};
