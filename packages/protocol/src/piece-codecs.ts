import type { PieceIndex } from '@shoal/core';
import { InvalidValueError } from '@shoal/core';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import { type Codec, type Codecs, type MessageOf, NameTable } from './codec.ts';
import { hashBytes, hashesMax, haveDeltaMax, pieceCountMax, preferMax } from './limits.ts';
import type { Cancel, Offer, RejectReason, Request } from './messages.ts';

const rejectReasons = new NameTable<RejectReason>('reason', ['gone', 'overloaded', 'unknown', 'notHeld']);

type PieceMessage = Request | Cancel | Offer;

/** Messages that are a channel and a piece. */
const pieceCodec = <T extends PieceMessage['type']>(type: T, code: number): Codec<T> => ({
  code,
  bytesMax: 8,
  write(out, message) {
    const { channel, piece }: PieceMessage = message as PieceMessage;
    out.u32(channel, 'channel');
    writePiece(out, piece);
  },
  read: (input) => ({ type, channel: input.u32('channel'), piece: readPiece(input) }) as MessageOf<T>,
});

/** HAVE, REQUEST and what answers it, WANT_ANY and what answers it, HASHES: what moves pieces. */
export const pieceCodecs: Codecs<'have' | 'request' | 'cancel' | 'reject' | 'wantAny' | 'offer' | 'refuse' | 'hashes'> =
  {
    have: {
      code: 19,
      bytesMax: 12,
      write(out, { channel, piece, queueLength }) {
        out.u32(channel, 'channel');
        writePiece(out, piece);
        out.u32(queueLength, 'queueLength');
      },
      read: (input) => ({
        type: 'have',
        channel: input.u32('channel'),
        piece: readPiece(input),
        queueLength: input.u32('queueLength'),
      }),
    },
    request: pieceCodec('request', 20),
    cancel: pieceCodec('cancel', 21),
    reject: {
      code: 22,
      bytesMax: 9,
      write(out, { channel, piece, reason }) {
        out.u32(channel, 'channel');
        writePiece(out, piece);
        rejectReasons.write(out, reason);
      },
      read: (input) => ({
        type: 'reject',
        channel: input.u32('channel'),
        piece: readPiece(input),
        reason: rejectReasons.read(input),
      }),
    },
    wantAny: {
      code: 23,
      bytesMax: 12 + 4 * (haveDeltaMax + preferMax),
      write(out, { channel, haveDelta, prefer }) {
        out.u32(channel, 'channel');
        writePieces(out, haveDelta, 'haveDelta', haveDeltaMax);
        writePieces(out, prefer ?? [], 'prefer', preferMax);
      },
      read(input) {
        const channel = input.u32('channel');
        const haveDelta = readPieces(input, 'haveDelta', haveDeltaMax);
        const prefer = readPieces(input, 'prefer', preferMax);
        return { type: 'wantAny', channel, haveDelta, ...(prefer.length > 0 && { prefer }) };
      },
    },
    offer: pieceCodec('offer', 24),
    refuse: {
      code: 25,
      bytesMax: 4,
      write: (out, { channel }) => out.u32(channel, 'channel'),
      read: (input) => ({ type: 'refuse', channel: input.u32('channel') }),
    },
    hashes: {
      code: 26,
      bytesMax: 10 + hashBytes * hashesMax,
      write(out, { channel, first, hashes }) {
        out.u32(channel, 'channel');
        writePiece(out, first);
        out.u16(hashes.length, 'number of hashes', hashesMax);
        for (const hash of hashes) out.fixed(hash, hashBytes, 'hash');
      },
      read(input) {
        const channel = input.u32('channel');
        const first = readPiece(input);
        const count = input.u16('number of hashes', hashesMax);
        if (input.remaining !== count * hashBytes) input.fail(`${input.remaining} bytes are not ${count} hashes`);
        return {
          type: 'hashes',
          channel,
          first,
          hashes: Array.from({ length: count }, () => input.bytes(hashBytes, 'hash')),
        };
      },
    },
  };

const writePiece = (out: ByteWriter, piece: PieceIndex): void => out.u32(piece, 'piece', pieceCountMax - 1);

const readPiece = (input: ByteReader): PieceIndex => input.u32('piece', pieceCountMax - 1);

const writePieces = (out: ByteWriter, pieces: readonly PieceIndex[], field: string, countMax: number): void => {
  if (pieces.length > countMax) throw new InvalidValueError(field, `${pieces.length} pieces`, `up to ${countMax}`);
  out.u32(pieces.length, field);
  for (const piece of pieces) writePiece(out, piece);
};

const readPieces = (input: ByteReader, field: string, countMax: number): PieceIndex[] => {
  const count = input.u32(`number of ${field}`, countMax);
  if (count * 4 > input.remaining) input.fail(`ends inside ${field}`);
  return Array.from({ length: count }, () => readPiece(input));
};
