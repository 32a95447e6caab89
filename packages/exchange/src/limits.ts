import { KiB, MiB } from '@shoal/core';

/** Every bound of the exchange. Counts are whole numbers, sizes bytes, times milliseconds. */
export interface ExchangeLimits {
  /** Swarms that one link may join. */
  readonly swarmsPerLinkMax: number;
  /** Neighbours that a download dials of its own accord. */
  readonly neighboursOpen: number;
  /** Neighbours of one swarm in all; a JOIN beyond is refused. Origins are exempt on both sides. */
  readonly neighboursMax: number;
  /** Peer addresses that a download remembers. */
  readonly candidatesMax: number;
  /** Addresses whose failures the process remembers. */
  readonly failuresMax: number;
  readonly dialTimeoutMs: number;
  /** The wait after the first failed dial of an address; it doubles with every further one. */
  readonly redialMinMs: number;
  readonly redialMaxMs: number;
  /** The wait before a peer whose link closed in order is dialled again. */
  readonly reconnectMs: number;
  /** A link without a swarm and without records under way is closed after this long. */
  readonly idleLinkMs: number;
  /** How long a JOIN may stay without JOIN or NO_SWARM; the peer is left then. */
  readonly joinTimeoutMs: number;
  /** How long a request may wait for the requester's data connection. */
  readonly dataTimeoutMs: number;
  /** Requests of one peer that wait for its data connection. */
  readonly heldRequestsMax: number;
  /** Memory for second copies of pieces in the endgame, in the whole process. */
  readonly privateBytesMax: number;
  /** What a link may send unasked, beyond as many bytes as it has delivered usefully, before it is closed. */
  readonly unsolicitedBytesMax: number;
  /** Records asked of one link at a time, and answered to one link at a time. */
  readonly recordsPerLinkMax: number;
  /** What may wait on a link when a record is added, before the peer is sent elsewhere: well under transport's `sendQueueBytesMax`. */
  readonly recordsQueuedBytesMax: number;
  /** The largest content that travels as a record instead of in pieces. */
  readonly recordBlobBytesMax: number;
  /** How long a download without any source waits before it says so. */
  readonly sourcelessMs: number;
  /** Bytes of each blob a second, to all peers together; 0 is without limit. */
  readonly blobUploadBytesPerSecondMax: number;
  /** Bytes of each blob a second, of all sources together; 0 is without limit. */
  readonly blobDownloadBytesPerSecondMax: number;
  /** How long close() lets running uploads finish. */
  readonly closeTimeoutMs: number;
  /** How long close() then lets peers read what is on its way, before LEAVE overtakes it. */
  readonly flushTimeoutMs: number;
}

export const defaultLimits: ExchangeLimits = {
  swarmsPerLinkMax: 4096,
  neighboursOpen: 10,
  neighboursMax: 40,
  candidatesMax: 200,
  failuresMax: 4096,
  dialTimeoutMs: 3000,
  redialMinMs: 250,
  redialMaxMs: 15_000,
  reconnectMs: 50,
  idleLinkMs: 60_000,
  joinTimeoutMs: 5000,
  dataTimeoutMs: 5000,
  heldRequestsMax: 256,
  privateBytesMax: 64 * MiB,
  unsolicitedBytesMax: 64 * MiB,
  recordsPerLinkMax: 64,
  recordsQueuedBytesMax: 2 * MiB,
  recordBlobBytesMax: 256 * KiB,
  sourcelessMs: 250,
  blobUploadBytesPerSecondMax: 0,
  blobDownloadBytesPerSecondMax: 0,
  closeTimeoutMs: 5000,
  flushTimeoutMs: 1000,
};
