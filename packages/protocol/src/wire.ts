import { InvalidValueError } from '@shoal/core';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import type { Codec, Codecs } from './codec.ts';
import { handshakeCodecs } from './handshake-codecs.ts';
import { chunkBytesMax, pieceCountMax } from './limits.ts';
import type { DataHeader, Message, MessageType } from './messages.ts';
import { pieceCodecs } from './piece-codecs.ts';
import { recordCodecs } from './record-codecs.ts';
import { swarmCodecs } from './swarm-codecs.ts';

/*
 * The wire grammar, version 1. Numbers are unsigned and big-endian; a u64 is at most 2^53 - 1.
 *
 *   frame     = length:u32 type:u8 body          length counts type and body
 *   text      = length:u16 UTF-8
 *   piece     = u32 below 4,194,304
 *   hash      = 32 bytes
 *   reason    = text of at most 512 bytes
 *
 * Before both sides are proven (frames of at most 4 KiB):
 *    1 CHALLENGE = versionMin:u16 versionMax:u16 nonce:hash              listener -> dialer, at once
 *    2 HELLO     = field* [credential]                                   dialer -> listener, then back
 *    3 READY     =                                                       dialer -> listener, control connections
 *    4 ERROR     = code:u8 reason                                        last frame of a connection, at any time
 *   field      = kind:u8 length:u16 value; a kind that is unknown is skipped. All of these are there once:
 *     1 version:u16   2 connection:u8 (0 control, 1 data)   3 clusterId:text   4 peerId:20 bytes   5 incarnation:u64
 *     6 role:u8 (0 agent, 1 origin)   7 zone:text   8 address:text   9 nonce:hash   10 duplicate:u8 (0, 1)
 *   credential = 255:u8 length:u16 kind:u8 proof; the last field
 *     kind 1 (hmac): proof = HMAC-SHA256(secret, label nonce-of-the-other-side all-bytes-of-HELLO-before-the-credential)
 *       label = "shoal-tcp-dial-v1" from the dialer, "shoal-tcp-listen-v1" from the listener
 *     kind 2 (certificate): reserved for mTLS
 *   code = 0 protocol, 1 version, 2 cluster, 3 credential, 4 role, 5 self, 6 stale, 7 unlinked, 8 overloaded, 9 closing
 *
 * On a control connection (frames of at most 1 MiB). `channel` is the number the SENDER bound by its own JOIN:
 *   16 JOIN       = channel:u32 swarm:hash size:u64 pieceLength:u32 have
 *      have       = 0:u8 (none) | 1:u8 (all) | 2:u8 bitfield             spare bits are zero
 *   17 LEAVE      = channel:u32
 *   18 NO_SWARM   = swarm:hash reason
 *   19 HAVE       = channel:u32 piece queueLength:u32
 *   20 REQUEST    = channel:u32 piece
 *   21 CANCEL     = channel:u32 piece
 *   22 REJECT     = channel:u32 piece reason:u8 (0 gone, 1 overloaded, 2 unknown, 3 notHeld)
 *   23 WANT_ANY   = channel:u32 count:u32 piece{count} count:u32 piece{count}       have-delta, then prefer
 *   24 OFFER      = channel:u32 piece
 *   25 REFUSE     = channel:u32
 *   26 HASHES     = channel:u32 first:piece count:u16 hash{count}
 *   32 GET_RECORD = id:u32 kind:u8 (0 metainfo, 1 tag, 2 blob) key:text repository:text
 *   33 RECORD     = id:u32 bytes
 *   34 NO_RECORD  = id:u32 reason
 *   40 PING       = nonce:u32
 *   41 PONG       = nonce:u32
 *
 * On a data connection, from its listener (the uploader) to its dialer (the downloader):
 *   64 DATA       = channel:u32 piece offset:u64 payload                 at most 524,288 bytes of payload,
 *                                                                      (262,144 in version 1 of the protocol)
 *      offset is a byte offset in the blob. The chunks of one piece come in order; chunks of other pieces may
 *      stand between them. Without payload: the uploader stops this transfer here (after CANCEL, or a read failed).
 *
 * A frame of a type that is not listed is skipped; one that is listed and out of its place, too long, too short or with
 * a value out of bounds closes the connection. A message grows by a new type or a new version, never by more bytes.
 */

/** What may be said on a connection at the moment. */
export type Phase = 'handshake' | 'control' | 'data';

const codecs: Codecs<MessageType> = { ...handshakeCodecs, ...swarmCodecs, ...pieceCodecs, ...recordCodecs };

/** The type byte of DATA. */
export const dataType = 64;

/** Bytes of a DATA frame before its payload: length, type, channel, piece, offset. */
export const dataHeaderBytes = 4 + 1 + 4 + 4 + 8;

/** Bytes before a body: length and type. */
export const frameHeadBytes = 5;

/** One known type of message, and where it is allowed. */
export interface MessageKind {
  readonly name: MessageType;
  readonly bytesMax: number;
  readonly phases: readonly Phase[];
  /** @throws ProtocolError */
  decode(body: Uint8Array): Message;
}

const phasesOf = (name: MessageType): readonly Phase[] => {
  if (name === 'error') return ['handshake', 'control', 'data'];
  return name in handshakeCodecs ? ['handshake'] : ['control'];
};

/** By type byte; DATA is not among them, as its payload is never held. */
export const messageKinds: ReadonlyMap<number, MessageKind> = new Map(
  (Object.keys(codecs) as MessageType[]).map((name) => [
    codecs[name].code,
    { name, bytesMax: codecs[name].bytesMax, phases: phasesOf(name), decode: (body) => decodeBody(name, body) },
  ]),
);

/** The frame of a message. @throws InvalidValueError when a field is out of the grammar's bounds */
export const encodeMessage = (message: Message): Uint8Array => {
  const codec = codecs[message.type] as Codec<MessageType>;
  const out = new ByteWriter();
  out.u32(0, 'length');
  out.u8(codec.code, 'type');
  codec.write(out, message);
  const frame = out.finish();
  if (frame.length - frameHeadBytes > codec.bytesMax) {
    throw new InvalidValueError(message.type, `${frame.length} bytes`, `allowed are up to ${codec.bytesMax}`);
  }
  setU32(frame, 0, frame.length - 4);
  return frame;
};

/** Writes all of a DATA frame before its payload to the first `dataHeaderBytes` of `frame`. @throws InvalidValueError */
export const encodeDataHeader = ({ channel, piece, offset, length }: DataHeader, frame: Uint8Array): void => {
  const out = new ByteWriter(frame);
  if (length > chunkBytesMax) throw new InvalidValueError('length', length, `allowed is 0 to ${chunkBytesMax}`);
  out.u32(dataHeaderBytes - 4 + length, 'length');
  out.u8(dataType, 'type');
  out.u32(channel, 'channel');
  out.u32(piece, 'piece', pieceCountMax - 1);
  out.u64(offset, 'offset');
};

/** @param head the `dataHeaderBytes` first bytes of a DATA frame. @throws ProtocolError */
export const decodeDataHeader = (head: Uint8Array): DataHeader => {
  const input = new ByteReader('DATA', head);
  const length = input.u32('length') - (dataHeaderBytes - 4);
  input.u8('type');
  return {
    channel: input.u32('channel'),
    piece: input.u32('piece', pieceCountMax - 1),
    offset: input.u64('offset'),
    length,
  };
};

const decodeBody = (name: MessageType, body: Uint8Array): Message => {
  const input = new ByteReader(name, body);
  const message = codecs[name].read(input);
  input.end();
  return message;
};

const setU32 = (bytes: Uint8Array, at: number, value: number): void => {
  for (let index = 0; index < 4; index++) bytes[at + index] = value >>> (24 - 8 * index);
};
