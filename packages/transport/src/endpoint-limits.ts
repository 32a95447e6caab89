import { MiB } from '@shoal/core';

/** Every wait and every queue of an endpoint. */
export interface EndpointLimits {
  /** From the TCP connection to the end of the handshake, on both sides; also the whole of a dial. */
  readonly handshakeTimeoutMs: number;
  /** Accepted sockets that have not proved themselves. */
  readonly handshakesMax: number;
  /** Dials under way. */
  readonly dialsMax: number;
  readonly linksMax: number;
  /** A link is pinged when nothing has come from it for this long... */
  readonly pingIdleMs: number;
  /** ...and closed when nothing comes for this long after the ping. */
  readonly pingTimeoutMs: number;
  /**
   * A link is closed whose peer does not take one chunk of what it asked for during this long: it holds slots of others.
   * Long enough for one that has a low download limit of its own and many neighbours.
   */
  readonly uplinkTimeoutMs: number;
  /** Control messages a link holds for a peer that does not read. */
  readonly sendQueueBytesMax: number;
  /** How long a refused or closed connection may take to read its reason. */
  readonly lingerMs: number;
  /** 0 is without limit. */
  readonly uploadBytesPerSecondMax: number;
  /** 0 is without limit. */
  readonly downloadBytesPerSecondMax: number;
}

export const defaultEndpointLimits: EndpointLimits = {
  handshakeTimeoutMs: 5000,
  handshakesMax: 256,
  dialsMax: 256,
  linksMax: 4096,
  pingIdleMs: 10_000,
  pingTimeoutMs: 5000,
  uplinkTimeoutMs: 120_000,
  sendQueueBytesMax: 4 * MiB,
  lingerMs: 1000,
  uploadBytesPerSecondMax: 0,
  downloadBytesPerSecondMax: 0,
};
