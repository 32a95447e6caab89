import type { Address } from '@shoal/core';
import type { ControlMessage } from '@shoal/protocol';
import type { Route, RouteSpan } from './data-connection.ts';
import type { NodeIdentity } from './identity.ts';
import type { Uplink } from './uplink.ts';

export interface SendOptions {
  /** It may wait for a few more of its kind, and for the other sockets of this turn of the event loop. */
  readonly lazy?: boolean;
}

/**
 * A peer that has proved itself, over one control connection and up to two data connections: the one I
 * dialled (my downlink) and the one the peer dialled (my uplink).
 */
export interface Link {
  readonly remote: NodeIdentity;
  /** Unique in the endpoint, never used again: the machines' peer handle. */
  readonly id: number;
  /** Where I dialled it; undefined when the remote dialled me, so that only its own word says where it listens. */
  readonly dialled: Address | undefined;
  /** False from the moment the link is closed; `send` then does nothing. */
  readonly open: boolean;
  /** Bytes of messages that the remote has not taken; `send` closes the link beyond `sendQueueBytesMax`. */
  readonly queuedBytes: number;
  /** My downlink from the remote stands. */
  readonly dataReady: boolean;
  /** What comes on my downlink waits for my own download limit. */
  readonly dataPaused: boolean;
  /** The data connection the remote dialled, on which I send pieces; undefined until it has, and after it broke. */
  readonly uplink: Uplink | undefined;
  /**
   * Queues a message; all messages of one event-loop turn go out in one write, lazy ones within the turn after it. Byte arrays in it are copied.
   * Closes the link when more than `sendQueueBytesMax` wait, as a peer that does not read is of no use.
   * @throws InvalidValueError when a field is out of the grammar's bounds
   */
  send(message: ControlMessage, options?: SendOptions): void;
  /** Dials my data connection to the remote; idempotent. `dataOpened` or `dataClosed` tells how it went. */
  openData(): void;
  /**
   * Lets a piece that will be asked for go into its file without passing through this thread. Undefined: its payload comes
   * to the handler as bytes.
   */
  route(span: RouteSpan): Route | undefined;
  /** Ends the uplink behind its last byte; resolves when the peer has read that and closed it, or without an uplink. */
  finishUplink(): Promise<void>;
  /** Closes all connections of the link. `linkClosed` (after `dataClosed`) is called before this returns. */
  close(reason: string): void;
}
