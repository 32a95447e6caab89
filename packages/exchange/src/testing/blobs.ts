import { createHash } from 'node:crypto';
import { fstatSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Bitfield, type Digest, type Metainfo, type PieceLengthPolicy, seededPrng } from '@shoal/core';
import { StoreFullError, TreeHasher } from '@shoal/store';
import type { DownloadBlob } from '../download-blob.ts';
import type { SeedBlob } from '../seeding.ts';
import { dataThreads } from './data-threads.ts';

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

/** The blob that a download fills, in memory, or in a file while downloads have threads; counts what is written. */
export class MemoryBlob implements DownloadBlob {
  readonly metainfo: Metainfo;
  readonly have: Bitfield;
  fd?: number;
  readonly marked: number[] = [];
  readonly #memory: Uint8Array;
  #written = 0;

  constructor(metainfo: Metainfo) {
    this.metainfo = metainfo;
    this.have = new Bitfield(metainfo.pieceHashes.length);
    this.#memory = Buffer.alloc(metainfo.size);
    if (dataThreads() > 0) this.fd = namelessFile();
  }

  get bytes(): Uint8Array {
    if (this.fd !== undefined) readSync(this.fd, this.#memory, 0, this.#memory.length, 0);
    return this.#memory;
  }

  /** In a file, of its blocks. */
  get writtenBytes(): number {
    return this.fd === undefined ? this.#written : fstatSync(this.fd).blocks * 512;
  }

  readInto(buffer: Uint8Array, position: number): number {
    if (this.fd !== undefined) return readSync(this.fd, buffer, 0, buffer.length, position);
    const part = this.#memory.subarray(position, position + buffer.length);
    buffer.set(part);
    return part.length;
  }

  writeSync(bytes: Uint8Array, position: number): void {
    if (this.fd !== undefined) writeSync(this.fd, bytes, 0, bytes.length, position);
    else this.#memory.set(bytes, position);
    this.#written += bytes.length;
  }

  /** From now on there is no room for anything. */
  fill(): void {
    this.writeSync = () => {
      throw new StoreFullError('the disk is full');
    };
    if (this.fd !== undefined) this.fd = openSync('/dev/full', 'r+');
  }

  markPiece(index: number): void {
    this.have.set(index);
    this.marked.push(index);
  }

  /** As if a former process had fetched the piece. */
  resume(blob: TestBlob, piece: number): void {
    const { pieceLength } = blob.metainfo;
    this.writeSync(blob.bytes.subarray(piece * pieceLength, (piece + 1) * pieceLength), piece * pieceLength);
    this.have.set(piece);
  }

  get digest(): string {
    return `sha256:${createHash('sha256').update(this.bytes).digest('hex')}`;
  }
}

const namelessFile = (): number => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-exchange-'));
  const fd = openSync(join(folder, 'blob'), 'w+');
  rmSync(folder, { recursive: true });
  return fd;
};
