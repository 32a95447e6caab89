import type { PeerId } from '@shoal/core';
import type { PeerRole } from '@shoal/protocol';

/** Who a node is to its peers. */
export interface NodeIdentity {
  readonly peerId: PeerId;
  /** Grows with every start of the process: a newer one replaces the links of an older one. */
  readonly incarnation: number;
  readonly role: PeerRole;
  /** Empty without zones. */
  readonly zone: string;
  readonly clusterId: string;
  /**
   * The advertised `host:port` (or `[IPv6]:port`) of the piece listener, which may differ from where it
   * listens. Empty, or with port 0: the endpoint fills in what it is bound to.
   */
  readonly address: string;
}
