import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { Bitfield, InvalidValueError } from '@shoal/core';

/** What an agent knows of a cached blob besides its metainfo. */
export interface BitmapRecord {
  /** Grows with every write; the highest valid one counts. */
  readonly sequence: number;
  readonly size: number;
  readonly pieceLength: number;
  readonly lastUsedMs: number;
  /** The claims come from before an unclean stop and have not been hashed since. */
  readonly suspect: boolean;
  /** Never evicted. */
  readonly pinned: boolean;
  readonly claimed: Bitfield;
}

/**
 * The file `.pieces`: two slots, written in turn, each on disk blocks of its own. A write that is torn leaves
 * the other slot, which claims fewer pieces and is as true.
 *
 *   slot = magic "SHPC" | version u16 | flags u16 (1: suspect, 2: pinned) | sequence u32 | piece length u32 | pieces u32
 *        | size f64 | last used ms f64 | bitmap (BEP 3 order) | CRC-32 of all before u32        (little endian)
 */
export const writeBitmap = (file: string, record: BitmapRecord): void => {
  const slot = encodeSlot(record);
  const fd = openSync(file, record.sequence === 0 ? 'w' : 'r+');
  try {
    writeSync(fd, slot, 0, slot.length, (record.sequence % 2) * alignedLength(slot.length));
  } finally {
    closeSync(fd);
  }
};

/** The newest slot that is whole; undefined when there is none. */
export const readBitmap = (file: string): BitmapRecord | undefined => {
  const bytes = readFileSync(file);
  let newest: BitmapRecord | undefined;
  for (let offset = 0; offset < bytes.length; offset += blockLength) {
    const record = decodeSlot(bytes.subarray(offset));
    if (record && record.sequence >= (newest?.sequence ?? 0)) newest = record;
  }
  return newest;
};

const blockLength = 4096;
const magic = 0x43504853;
const version = 1;
const headerLength = 36;
const suspectFlag = 1;
const pinnedFlag = 2;

const alignedLength = (length: number): number => Math.ceil(length / blockLength) * blockLength;

const encodeSlot = (record: BitmapRecord): Buffer => {
  const bitmap = record.claimed.toBytes();
  const slot = Buffer.alloc(headerLength + bitmap.length + 4);
  slot.writeUInt32LE(magic, 0);
  slot.writeUInt16LE(version, 4);
  slot.writeUInt16LE((record.suspect ? suspectFlag : 0) | (record.pinned ? pinnedFlag : 0), 6);
  slot.writeUInt32LE(record.sequence, 8);
  slot.writeUInt32LE(record.pieceLength, 12);
  slot.writeUInt32LE(record.claimed.length, 16);
  slot.writeDoubleLE(record.size, 20);
  slot.writeDoubleLE(record.lastUsedMs, 28);
  slot.set(bitmap, headerLength);
  slot.writeUInt32LE(crc32(slot.subarray(0, -4)), slot.length - 4);
  return slot;
};

const decodeSlot = (bytes: Buffer): BitmapRecord | undefined => {
  if (bytes.length < headerLength + 4 || bytes.readUInt32LE(0) !== magic || bytes.readUInt16LE(4) !== version)
    return undefined;
  const pieces = bytes.readUInt32LE(16);
  const end = headerLength + Math.ceil(pieces / 8);
  if (bytes.length < end + 4 || bytes.readUInt32LE(end) !== crc32(bytes.subarray(0, end))) return undefined;
  try {
    return {
      sequence: bytes.readUInt32LE(8),
      size: bytes.readDoubleLE(20),
      pieceLength: bytes.readUInt32LE(12),
      lastUsedMs: bytes.readDoubleLE(28),
      suspect: (bytes.readUInt16LE(6) & suspectFlag) !== 0,
      pinned: (bytes.readUInt16LE(6) & pinnedFlag) !== 0,
      claimed: Bitfield.fromBytes(bytes.subarray(headerLength, end), pieces),
    };
  } catch (error) {
    if (error instanceof InvalidValueError) return undefined;
    throw error;
  }
};
