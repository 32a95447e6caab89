import type { PieceIndex, SwarmId } from '@shoal/core';

/** The listener's first message: what it speaks and the nonce that the dialer's proof covers. */
export interface Challenge {
  readonly type: 'challenge';
  readonly versionMin: number;
  readonly versionMax: number;
  /** 32 random bytes, fresh for each connection. */
  readonly nonce: Uint8Array;
}

/** How a peer proves that it belongs to the cluster: the CREDENTIAL field of HELLO. */
export interface Credential {
  /** `hmac`: a 32-byte HMAC-SHA256 keyed by the cluster secret. `certificate` is reserved for mTLS. */
  readonly kind: 'hmac' | 'certificate';
  readonly bytes: Uint8Array;
}

/** Who a peer is. The dialer sends it after CHALLENGE, the listener answers with its own. */
export interface Hello {
  readonly type: 'hello';
  /** All fields but the credential, encoded (see hello.ts): exactly the bytes a proof covers. */
  readonly signed: Uint8Array;
  readonly credential?: Credential;
}

/** The dialer has accepted the listener's HELLO: the connection is the one both use. */
export interface Ready {
  readonly type: 'ready';
}

/** Why a connection is being closed; the last message on it. */
export interface ErrorMessage {
  readonly type: 'error';
  readonly code: ErrorCode;
  readonly reason: string;
}

export type ErrorCode =
  | 'protocol'
  | 'version'
  | 'cluster'
  | 'credential'
  | 'role'
  | 'self'
  | 'stale'
  | 'unlinked'
  | 'overloaded'
  | 'closing';

/** What the sender has of a blob. Bitfield bytes are as in core's Bitfield.toBytes(). */
export type Have = 'all' | 'none' | Uint8Array;

/** Binds `channel` to a swarm for everything the SENDER says on this connection. Sizes in bytes. */
export interface Join {
  readonly type: 'join';
  readonly channel: number;
  readonly swarm: SwarmId;
  readonly size: number;
  readonly pieceLength: number;
  readonly have: Have;
}

export interface Leave {
  readonly type: 'leave';
  readonly channel: number;
}

/** The answer to a JOIN for a swarm that the receiver of it is not in. */
export interface NoSwarm {
  readonly type: 'noSwarm';
  readonly swarm: SwarmId;
  readonly reason: string;
}

/** The sender has verified a piece; `queueLength` is how many pieces its upload queue holds. */
export interface HaveMessage {
  readonly type: 'have';
  readonly channel: number;
  readonly piece: PieceIndex;
  readonly queueLength: number;
}

export interface Request {
  readonly type: 'request';
  readonly channel: number;
  readonly piece: PieceIndex;
}

/** Takes a REQUEST or an OFFER back; the uploader stops at its next chunk. */
export interface Cancel {
  readonly type: 'cancel';
  readonly channel: number;
  readonly piece: PieceIndex;
}

export type RejectReason = 'gone' | 'overloaded' | 'unknown' | 'notHeld';

export interface Reject {
  readonly type: 'reject';
  readonly channel: number;
  readonly piece: PieceIndex;
  readonly reason: RejectReason;
}

/** One credit for an origin to push any piece; `haveDelta` is what the sender got elsewhere since its last one. */
export interface WantAny {
  readonly type: 'wantAny';
  readonly channel: number;
  readonly haveDelta: readonly PieceIndex[];
  readonly prefer?: readonly PieceIndex[];
}

/** The origin's answer to WANT_ANY: this piece follows on the data connection. */
export interface Offer {
  readonly type: 'offer';
  readonly channel: number;
  readonly piece: PieceIndex;
}

/** The origin's answer to WANT_ANY when it has nothing to push. */
export interface Refuse {
  readonly type: 'refuse';
  readonly channel: number;
}

/** Hashes of consecutive pieces from `first` on, 32 bytes each. */
export interface Hashes {
  readonly type: 'hashes';
  readonly channel: number;
  readonly first: PieceIndex;
  readonly hashes: readonly Uint8Array[];
}

export type RecordKind = 'metainfo' | 'tag' | 'blob';

/** Asks for signed metainfo or small content by digest, or for a tag record by tag; `key` is the digest or the tag. */
export interface GetRecord {
  readonly type: 'getRecord';
  /** Chosen by the asker; the answer repeats it. */
  readonly id: number;
  readonly kind: RecordKind;
  readonly key: string;
  /** May be empty where the digest alone names the content. */
  readonly repository: string;
}

export interface RecordMessage {
  readonly type: 'record';
  readonly id: number;
  readonly bytes: Uint8Array;
}

export interface NoRecord {
  readonly type: 'noRecord';
  readonly id: number;
  readonly reason: string;
}

export interface Ping {
  readonly type: 'ping';
  readonly nonce: number;
}

export interface Pong {
  readonly type: 'pong';
  readonly nonce: number;
}

/** What peers say about swarms once a control connection stands. */
export type ControlMessage =
  | Join
  | Leave
  | NoSwarm
  | HaveMessage
  | Request
  | Cancel
  | Reject
  | WantAny
  | Offer
  | Refuse
  | Hashes
  | GetRecord
  | RecordMessage
  | NoRecord;

/** Every message but DATA, whose payload streams past (see DataHeader). */
export type Message = ControlMessage | Challenge | Hello | Ready | ErrorMessage | Ping | Pong;

export type MessageType = Message['type'];

/** What stands before the payload of a DATA frame. */
export interface DataHeader {
  /** The uploader's number for the swarm. */
  readonly channel: number;
  readonly piece: PieceIndex;
  /** Byte offset IN THE BLOB of the first payload byte. */
  readonly offset: number;
  /** Payload bytes of this frame; 0 means the uploader stops this transfer before its end. */
  readonly length: number;
}
