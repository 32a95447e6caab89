import { Bitfield, InvalidValueError, parsePieceLength, parseSwarmId, pieceCountOf, ShoalError } from '@shoal/core';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { Codecs } from './codec.ts';
import { hashBytes, pieceCountMax, reasonBytesMax } from './limits.ts';
import type { Have, Join } from './messages.ts';

/** JOIN, LEAVE, NO_SWARM: who is in which swarm. */
export const swarmCodecs: Codecs<'join' | 'leave' | 'noSwarm'> = {
  join: {
    code: 16,
    bytesMax: 4 + hashBytes + 8 + 4 + 1 + pieceCountMax / 8,
    write(out, join) {
      out.u32(join.channel, 'channel');
      out.bytes(Uint8Array.fromHex(parseSwarmId(join.swarm)));
      out.u64(join.size, 'size');
      out.u32(parsePieceLength(join.pieceLength), 'pieceLength');
      writeHave(out, join);
    },
    read(input) {
      const channel = input.u32('channel');
      const swarm = parseSwarmId(input.bytes(hashBytes, 'swarm').toHex());
      const size = input.u64('size');
      const pieceLength = checked(input, () => parsePieceLength(input.u32('pieceLength')));
      const pieces = pieceCountOf(size, pieceLength);
      if (pieces > pieceCountMax) input.fail(`${pieces} pieces are over ${pieceCountMax}`);
      return { type: 'join', channel, swarm, size, pieceLength, have: readHave(input, pieces) };
    },
  },
  leave: {
    code: 17,
    bytesMax: 4,
    write: (out, { channel }) => out.u32(channel, 'channel'),
    read: (input) => ({ type: 'leave', channel: input.u32('channel') }),
  },
  noSwarm: {
    code: 18,
    bytesMax: hashBytes + 2 + reasonBytesMax,
    write(out, { swarm, reason }) {
      out.bytes(Uint8Array.fromHex(parseSwarmId(swarm)));
      out.text(reason, 'reason', reasonBytesMax);
    },
    read: (input) => ({
      type: 'noSwarm',
      swarm: parseSwarmId(input.bytes(hashBytes, 'swarm').toHex()),
      reason: input.text('reason', reasonBytesMax),
    }),
  },
};

const haveNone = 0;
const haveAll = 1;
const haveBits = 2;

const writeHave = (out: ByteWriter, { have, size, pieceLength }: Join): void => {
  const pieces = pieceCountOf(size, pieceLength);
  if (pieces > pieceCountMax) throw new InvalidValueError('pieces', pieces, `allowed are up to ${pieceCountMax}`);
  if (have === 'none') return out.u8(haveNone, 'have');
  if (have === 'all') return out.u8(haveAll, 'have');
  Bitfield.fromBytes(have, pieces);
  out.u8(haveBits, 'have');
  return out.bytes(have);
};

const readHave = (input: ByteReader, pieces: number): Have => {
  const form = input.u8('have', haveBits);
  if (form === haveNone) return 'none';
  if (form === haveAll) return 'all';
  const bits = input.bytes(input.remaining, 'have');
  checked(input, () => Bitfield.fromBytes(bits, pieces));
  return bits;
};

/** A value that core refuses is one that the peer must not send. */
const checked = <V>(input: ByteReader, parse: () => V): V => {
  try {
    return parse();
  } catch (error) {
    if (error instanceof ShoalError) return input.fail(error.message);
    throw error;
  }
};
