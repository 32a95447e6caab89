import type { Address, PeerId, PieceIndex } from '@shoal/core';
import type { DataHeader, ErrorCode, Message, Phase } from '@shoal/protocol';
import type { ConnectionOwner } from './connection.ts';
import type { Station } from './station.ts';

/** A piece that is to come on a data connection, and the file that it belongs in. Offsets and lengths in bytes. */
export interface RouteSpan {
  /** The remote's channel number: what its DATA carries. */
  readonly channel: number;
  readonly piece: PieceIndex;
  /** In the blob, which is the file. */
  readonly offset: number;
  readonly length: number;
  /** Open for writing until the route is closed. */
  readonly fd: number;
}

/** The way of one piece into its file that does not lead through this thread. */
export interface Route {
  /** When this returns nothing is written by this route any more, and nothing is told of it. */
  close(): void;
}

/** What has come by a route. */
export interface Landed {
  readonly route: Route;
  /** Part of the piece, in order; the first byte again when the peer has begun anew. */
  readonly header: DataHeader;
  /** The hash of the piece, with its last byte. */
  readonly digest?: Uint8Array | undefined;
  /** Instead: it could not be written, and the route takes no more. */
  readonly error?: Error | undefined;
}

/** What a downlink needs of its connection, whichever thread that lives in. */
export interface DataConnection {
  owner: ConnectionOwner;
  phase: Phase;
  /** When something was last heard, by the endpoint's clock. */
  readonly heardMs: number;
  readonly socketClosed: Promise<void>;
  readonly certifiedIds: ReadonlySet<PeerId> | undefined;
  send(message: Message): void;
  refuse(code: ErrorCode, reason: string): void;
  destroy(reason: string): void;
  /** Handles what came on this connection: a ShoalError that is thrown closes it with its message as the reason. */
  guard(handle: () => void): void;
  pause(): void;
  resume(): void;
  /** Absent, or undefined as an answer: payload of the piece comes to the owner as bytes. */
  route?(span: RouteSpan): Route | undefined;
}

/** Where data connections are dialled. */
export interface DataDialer {
  dial(station: Pick<Station, 'clock' | 'limits'>, address: Address, owner: ConnectionOwner): DataConnection;
}
