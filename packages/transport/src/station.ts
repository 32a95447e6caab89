import type { Address } from '@shoal/core';
import { type ConnectionKind, encodeHelloFields, type Hello, type PeerRole } from '@shoal/protocol';
import type { Sendfile } from './sendfile/index.ts';
import { Connection, type ConnectionOwner } from './connection.ts';
import type { DataConnection, DataDialer } from './data-connection.ts';
import type { EndpointLimits } from './endpoint-limits.ts';
import type { EndpointHandler } from './endpoint-options.ts';
import type { NodeIdentity } from './identity.ts';
import type { Log } from './log.ts';
import type { ProofLabel, Proofs } from './proof.ts';
import type { ReceiveTurn } from './receive-turn.ts';
import type { SocketFactory } from './socket-factory.ts';
import type { Throttle } from './throttle.ts';

/** What all parts of one endpoint share. */
export interface Station {
  readonly identity: NodeIdentity;
  readonly proofs: Proofs;
  readonly rolesAccepted: readonly PeerRole[];
  readonly limits: EndpointLimits;
  readonly handler: EndpointHandler;
  readonly clock: () => number;
  readonly log: Log;
  readonly sockets: SocketFactory;
  readonly sendfile: Sendfile | undefined;
  readonly upload: Throttle | undefined;
  readonly download: Throttle | undefined;
  readonly receiveTurn: ReceiveTurn;
  /** Where data connections are dialled, when that is not here. */
  readonly dataDialer: DataDialer | undefined;
  /** Every connection whose socket has not closed. */
  readonly connections: Set<Pick<Connection, 'socketClosed'>>;
}

/** A connection to `address` whose handshake the owner leads. */
export const connect = (station: Station, address: Address, owner: ConnectionOwner): Connection => {
  const socket = station.sockets.connect(address, (bytes) => connection.receive(bytes));
  const connection = new Connection(socket, owner, station);
  return track(station, connection);
};

/** A data connection, in the thread for it. */
export const dialData = (station: Station, address: Address, owner: ConnectionOwner): DataConnection =>
  station.dataDialer
    ? track(station, station.dataDialer.dial(station, address, owner))
    : connect(station, address, owner);

export const track = <Tracked extends Pick<Connection, 'socketClosed'>>(
  station: Station,
  connection: Tracked,
): Tracked => {
  station.connections.add(connection);
  void connection.socketClosed.then(() => station.connections.delete(connection));
  return connection;
};

export interface HelloParts {
  readonly label: ProofLabel;
  readonly connection: ConnectionKind;
  readonly version: number;
  readonly ownNonce: Uint8Array;
  readonly remoteNonce: Uint8Array;
  readonly duplicate?: boolean;
}

/** This node's HELLO, proven over the other side's nonce. */
export const helloOf = ({ identity, proofs }: Station, parts: HelloParts): Hello => {
  const { label, connection, version, ownNonce, remoteNonce, duplicate = false } = parts;
  const signed = encodeHelloFields({ ...identity, version, connection, nonce: ownNonce, duplicate });
  const credential = proofs.prove(label, remoteNonce, signed);
  return { type: 'hello', signed, ...(credential && { credential }) };
};
