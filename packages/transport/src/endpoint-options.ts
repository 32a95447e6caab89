import type { Address } from '@shoal/core';
import type { Sendfile } from './sendfile/index.ts';
import type { ControlMessage, DataHeader, PeerRole } from '@shoal/protocol';
import type { NodeIdentity } from './identity.ts';
import type { EndpointLimits } from './endpoint-limits.ts';
import type { DataDialer, Landed } from './data-connection.ts';
import type { Link } from './link.ts';
import type { Log } from './log.ts';
import type { SocketFactory } from './socket-factory.ts';

/**
 * What an endpoint reports. A ShoalError thrown by `message` or a data callback closes the link with its message:
 * the way to refuse what a peer said. All calls come from socket events, except `linkClosed` and `dataClosed`,
 * which also come from inside Link.close.
 */
export interface EndpointHandler {
  /** First for a link; nothing of it comes before. */
  linkOpened(link: Link): void;
  /** Once, last for a link; `reason` is for logs. */
  linkClosed(link: Link, reason: string): void;
  message(link: Link, message: ControlMessage): void;
  /** A DATA frame begins on my downlink. `header.length` 0: the remote has stopped this transfer. */
  dataBegin(link: Link, header: DataHeader): void;
  /** Part of the payload: a slice of the shared receive buffer, valid only during the call. */
  dataBytes(link: Link, bytes: Uint8Array): void;
  /** The frame is complete. Frames of different transfers alternate, but never overlap. */
  dataEnd(link: Link): void;
  /** What a route has put into its file; instead of the three above. */
  dataLanded?(link: Link, landed: Landed): void;
  /** So many bytes came for a route that is closed. */
  dataDropped?(link: Link, bytes: number): void;
  /** The data connection I dialled stands: what I request now arrives on it. */
  dataOpened(link: Link): void;
  /** The remote has dialled its data connection: `uplink` is there. */
  uplinkOpened?(link: Link): void;
  /** The data connection I dialled could not be opened or broke; a frame may be left unfinished. */
  dataClosed(link: Link, reason: string): void;
}

export interface EndpointOptions {
  readonly identity: NodeIdentity;
  /** The cluster secret; without it only peers without one are accepted. */
  readonly secret?: string;
  /** Where to listen; port 0 takes a free one. */
  readonly listen: Address;
  readonly handler: EndpointHandler;
  /** Roles that may connect, or be dialled; all by default. */
  readonly rolesAccepted?: readonly PeerRole[];
  readonly limits?: Partial<EndpointLimits>;
  /** Milliseconds of a clock that never goes back; performance.now by default. */
  readonly clock?: () => number;
  readonly log?: Log;
  /** Plain TCP by default; TlsSockets for mutual TLS. */
  readonly sockets?: SocketFactory;
  /** Dials data connections in other threads; by default, over TLS and with a download limit they are dialled in this one. */
  readonly dataDialer?: DataDialer | undefined;
  /** Moves bytes of transfers whose reader has a file, where it can; without it all go by read and write. */
  readonly sendfile?: Sendfile | undefined;
}
