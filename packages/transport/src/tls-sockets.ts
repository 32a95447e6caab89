import { randomBytes } from 'node:crypto';
import type { Socket, SocketConstructorOpts } from 'node:net';
import tls from 'node:tls';
import { type Address, formatAddress } from '@shoal/core';
import { encodeMessage } from '@shoal/protocol';
import { PendingHandshakes } from './pending-handshakes.ts';
import { remoteOf } from './remote.ts';
import {
  type Acceptor,
  type Listener,
  listenTcp,
  readInto,
  type Receive,
  type SocketFactory,
  socketOptions,
} from './socket-factory.ts';
import { certificateFlaw, tlsReason } from './tls-reason.ts';

/** What a node shows to its peers and what it asks of them, as PEM text, so that threads can be told of it. */
export interface PeerTls {
  readonly cert: string;
  readonly key: string;
  /** The cluster's own authority: whoever has a certificate of it is a member. */
  readonly ca: string;
}

/** AES-128-GCM costs the least where the processor has instructions for it; it is the default there of both sides. */
const ciphers = 'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256';

/** Peers whose last session can be resumed: the handshake of their next connection then needs no signature. */
const sessionsMax = 4096;

interface Session {
  readonly session: Buffer;
  readonly names: string;
}

/** A ticket is of no use beyond that; also the longest that a session outlives its certificates. */
const sessionSeconds = 300;

/**
 * TLS 1.3 between members. Both sides show a certificate of the cluster's authority. Names in it are not compared with
 * the address: peers are dialled at whatever address they advertise. What it may say is which peer ids its holder has.
 */
export class TlsSockets implements SocketFactory {
  readonly secure = true;
  #options!: tls.SecureContextOptions;
  #context!: tls.SecureContext;
  readonly #sessions = new Map<string, Session>();
  readonly #names = new WeakMap<Socket, string>();
  readonly #servers = new Set<tls.Server>();

  /** @throws what node:tls throws for text that is no PEM, or a key of another certificate */
  constructor(certificates: PeerTls) {
    this.renew(certificates);
  }

  /** From now on; connections that stand are not touched, and no session of former certificates is resumed. */
  renew({ cert, key, ca }: PeerTls): void {
    const options = { cert, key, ca, ciphers, minVersion: 'TLSv1.3' } as const;
    this.#context = tls.createSecureContext(options);
    this.#options = options;
    this.#sessions.clear();
    for (const server of this.#servers) server.setSecureContext({ ...options, ticketKeys: randomBytes(48) });
  }

  async listen(address: Address, acceptor: Acceptor): Promise<Listener> {
    const pending = new PendingHandshakes(acceptor);
    // Who is no member is told so over TLS: that takes a handshake which ends without a certificate that counts.
    const server = tls.createServer({
      ...this.#options,
      requestCert: true,
      rejectUnauthorized: false,
      sessionTimeout: sessionSeconds,
    });
    server.on('secureConnection', (socket) => {
      pending.done(socket);
      if (isMember(socket, acceptor)) acceptor.accepted(socket);
    });
    server.on('tlsClientError', (error, socket) => {
      acceptor.refused(remoteOf(socket), tlsReason(error) ?? error.message);
      socket.destroy();
    });
    const accepted = (socket: Socket): void => {
      if (pending.add(socket)) server.emit('connection', socket);
    };
    const listener = await listenTcp(address, accepted, (error) => acceptor.failed(error));
    this.#servers.add(server);
    return {
      address: listener.address,
      close: () => {
        this.#servers.delete(server);
        const closed = listener.close();
        pending.close();
        return closed;
      },
    };
  }

  connect({ host, port }: Address, receive: Receive): Socket {
    const peer = formatAddress({ host, port });
    const known = this.#sessions.get(peer);
    const options: tls.ConnectionOptions & Pick<SocketConstructorOpts, 'onread'> = {
      host,
      port,
      ...socketOptions,
      secureContext: this.#context,
      rejectUnauthorized: true,
      checkServerIdentity: () => undefined,
      ...(known && { session: known.session }),
      onread: readInto((bytes) => {
        if (socket.authorized) receive(bytes);
      }),
    };
    const socket = tls.connect(options);
    // A resumed session carries no certificate: its names are those of the first connection.
    socket.once('secureConnect', () => {
      this.#names.set(socket, socket.isSessionReused() ? (known?.names ?? '') : subjectNames(socket));
    });
    const context = this.#context;
    socket.on('session', (session) => {
      if (context === this.#context) this.#remember(peer, { session, names: this.#names.get(socket) ?? '' });
    });
    return socket;
  }

  namesOf(socket: Socket): string | undefined {
    return this.#names.get(socket) ?? (socket instanceof tls.TLSSocket ? subjectNames(socket) : undefined);
  }

  #remember(peer: string, session: Session): void {
    this.#sessions.delete(peer);
    this.#sessions.set(peer, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > sessionsMax && oldest !== undefined) this.#sessions.delete(oldest);
  }
}

/** Otherwise it is told why, and closed. */
const isMember = (socket: tls.TLSSocket, acceptor: Acceptor): boolean => {
  const flaw = certificateFlaw(socket);
  if (flaw === undefined) return true;
  acceptor.refused(remoteOf(socket), flaw);
  socket.on('error', () => {});
  socket.write(encodeMessage({ type: 'error', code: 'credential', reason: flaw }));
  socket.destroySoon();
  return false;
};

const subjectNames = (socket: tls.TLSSocket): string => socket.getPeerX509Certificate()?.subjectAltName ?? '';
