import { createHash } from 'node:crypto';
import { Bitfield, type Digest, type Metainfo, type PieceLengthPolicy, seededPrng } from '@shoal/core';
import { TreeHasher } from '@shoal/store';
import type { DownloadBlob } from '../exchange.ts';
import type { SeedBlob } from '../seeding.ts';

/** Bytes that look random and are the same for the same seed. */
export const randomBytes = (length: number, seed: number): Uint8Array => {
  const block = new Uint8Array(Math.min(length, 65_536));
  const prng = seededPrng(seed);
  for (let index = 0; index < block.length; index++) block[index] = prng() * 256;
  const bytes = Buffer.allocUnsafeSlow(length);
  for (let at = 0; at < length; at += block.length) {
    bytes.set(block.subarray(0, Math.min(block.length, length - at)), at);
    // No two pieces are equal, so that a piece at the wrong place is seen.
    bytes.writeUInt32LE((at ^ seed) >>> 0, Math.min(at, Math.max(0, length - 4)));
  }
  return bytes;
};

export interface TestBlob {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
  readonly metainfo: Metainfo;
}

export const testBlob = (length: number, seed: number, policy: PieceLengthPolicy = smallPieces): TestBlob => {
  const bytes = length < 4 ? Buffer.alloc(length, seed) : randomBytes(length, seed);
  const hasher = new TreeHasher();
  hasher.update(bytes);
  return { bytes, ...hasher.finish(policy) };
};

export const smallPieces: PieceLengthPolicy = { piecesTarget: 4096, lengthMin: 262_144, lengthMax: 33_554_432 };

/** A whole blob in memory, to be seeded. `alter` may return other bytes than the right ones. */
export const seedOf = (blob: TestBlob, alter?: (bytes: Uint8Array, position: number) => void): SeedBlob => ({
  metainfo: blob.metainfo,
  readInto: (buffer, position) => {
    const part = blob.bytes.subarray(position, position + buffer.length);
    buffer.set(part);
    alter?.(buffer, position);
    return part.length;
  },
});

/** The blob that a download fills, in memory; counts what is written. */
export class MemoryBlob implements DownloadBlob {
  readonly metainfo: Metainfo;
  readonly have: Bitfield;
  readonly bytes: Uint8Array;
  writtenBytes = 0;
  readonly marked: number[] = [];

  constructor(metainfo: Metainfo) {
    this.metainfo = metainfo;
    this.have = new Bitfield(metainfo.pieceHashes.length);
    this.bytes = Buffer.alloc(metainfo.size);
  }

  readInto(buffer: Uint8Array, position: number): number {
    const part = this.bytes.subarray(position, position + buffer.length);
    buffer.set(part);
    return part.length;
  }

  writeSync(bytes: Uint8Array, position: number): void {
    this.bytes.set(bytes, position);
    this.writtenBytes += bytes.length;
  }

  markPiece(index: number): void {
    this.have.set(index);
    this.marked.push(index);
  }

  /** As if a former process had fetched the piece. */
  resume(blob: TestBlob, piece: number): void {
    const { pieceLength } = blob.metainfo;
    this.bytes.set(blob.bytes.subarray(piece * pieceLength, (piece + 1) * pieceLength), piece * pieceLength);
    this.have.set(piece);
  }

  get digest(): string {
    return `sha256:${createHash('sha256').update(this.bytes).digest('hex')}`;
  }
}
