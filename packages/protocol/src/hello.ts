import type { PeerId } from '@shoal/core';

export type PeerRole = 'origin' | 'agent';

export type ConnectionKind = 'control' | 'data';

/** The fields of HELLO that a proof covers. */
export interface HelloFields {
  readonly version: number;
  readonly connection: ConnectionKind;
  readonly clusterId: string;
  readonly peerId: PeerId;
  /** Grows with every start of the process, so that a restarted peer replaces its dead self. */
  readonly incarnation: number;
  readonly role: PeerRole;
  readonly zone: string;
  /** The advertised `host:port` of the sender's piece listener. */
  readonly address: string;
  /** 32 random bytes, fresh for each connection: what the other side's proof covers. */
  readonly nonce: Uint8Array;
  /** The listener already has a control connection with this dialer: this one is not used. */
  readonly duplicate: boolean;
}
