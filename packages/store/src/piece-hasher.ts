import { leafLength, leafPrefix, merkleRoot } from '@shoal/core';
import { createHash, type Hash } from 'node:crypto';
import { digestBytes, sha256 } from './hash.ts';

/** Cuts a byte stream into leaves of 256 KiB and hashes each as its bytes land; chunk boundaries are arbitrary. */
export class LeafHasher {
  readonly #leaves: Uint8Array[] = [];
  #open: Hash | undefined;
  #room = leafLength;

  update(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      if (!this.#open && chunk.length - from >= leafLength && followsPrefix(chunk, from)) {
        this.#leaves.push(sha256(new Uint8Array(chunk.buffer, chunk.byteOffset + from - 1, 1 + leafLength)));
        from += leafLength;
        continue;
      }
      this.#open ??= createHash('sha256').update(leafPrefix);
      const to = Math.min(chunk.length, from + this.#room);
      this.#open.update(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
      this.#room -= to - from;
      from = to;
      if (this.#room === 0) this.#close();
    }
  }

  /** The hashes of the leaves that are whole. */
  get closed(): readonly Uint8Array[] {
    return this.#leaves;
  }

  /** The hashes of all leaves, a last short one included; the hasher is used up. */
  finish(): readonly Uint8Array[] {
    this.#close();
    return this.#leaves;
  }

  #close(): void {
    if (this.#open) this.#leaves.push(digestBytes(this.#open));
    this.#open = undefined;
    this.#room = leafLength;
  }
}

/**
 * Whether the byte in memory before a whole leaf is the prefix that is hashed with it: one call does then. It mostly is where
 * frames are received, as the header of a DATA frame ends with the low byte of the leaf's offset.
 */
const followsPrefix = ({ buffer, byteOffset }: Uint8Array, from: number): boolean =>
  byteOffset + from > 0 && new Uint8Array(buffer, byteOffset + from - 1, 1)[0] === leafPrefix[0];

/** The hash of one piece, as its bytes land: the root of the hash tree over its leaves. */
export class PieceHasher {
  readonly #leaves = new LeafHasher();

  /** Bytes of the piece, in order, in chunks of any length. */
  update(bytes: Uint8Array): void {
    this.#leaves.update(bytes);
  }

  /** 32 bytes, to be compared with Metainfo.pieceHashes; the hasher is used up. */
  finish(): Uint8Array {
    return merkleRoot(this.#leaves.finish(), sha256);
  }
}
