import type { Address } from '@shoal/core';
import type { EndpointOptions } from './endpoint-options.ts';
import type { NodeIdentity } from './identity.ts';
import type { Link } from './link.ts';

/** One node's place in the swarm: listens, dials, and keeps at most one link a peer. */
export declare class Endpoint {
  /** @throws the listener's error, such as EADDRINUSE */
  static listen(options: EndpointOptions): Promise<Endpoint>;
  /** Where it is bound. */
  readonly address: Address;
  /** As given, with the advertised address filled in. */
  readonly identity: NodeIdentity;
  /**
   * A link to whoever listens there: the one that stands, the one being dialled, or a new one. `linkOpened` has
   * been called for it when this resolves.
   * @throws DialError: refused, unreachable, another cluster, myself, out of time, aborted
   */
  dial(address: Address, options?: { readonly signal?: AbortSignal }): Promise<Link>;
  links(): Iterable<Link>;
  /** Closes listener, links and dials, each with a reason to the peer; no handle is left when it resolves. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
