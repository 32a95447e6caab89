import { leafLength, leafPrefix, merkleRoot } from '@shoal/core';
import { createHash, type Hash } from 'node:crypto';
import { digestBytes, sha256 } from './hash.ts';

/** Cuts a byte stream into leaves of 256 KiB and hashes each as its bytes land; chunk boundaries are arbitrary. */
export class LeafHasher {
  readonly #leaves: Uint8Array[] = [];
  readonly #mayBorrow: boolean;
  #open: Hash | undefined;
  #room = leafLength;

  /** @param mayBorrow a byte of a chunk may be another one while `update` runs, as nobody else looks at it then */
  constructor({ mayBorrow = false }: { mayBorrow?: boolean } = {}) {
    this.#mayBorrow = mayBorrow;
  }

  update(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length;) {
      const whole = this.#open || chunk.length - from < leafLength ? undefined : this.#hashWhole(chunk, from);
      if (whole) {
        this.#leaves.push(whole);
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

  /**
   * By one call, which needs the prefix in the byte in memory before the leaf. It mostly is there where frames are received,
   * as the header of a DATA frame ends with the low byte of the leaf's offset; inside a chunk that byte may be borrowed.
   */
  #hashWhole({ buffer, byteOffset }: Uint8Array, from: number): Uint8Array | undefined {
    const at = byteOffset + from - 1;
    if (at < 0) return undefined;
    const bytes = new Uint8Array(buffer, at, 1 + leafLength);
    const before = bytes[0] ?? 0;
    if (before === leafPrefix[0]) return sha256(bytes);
    if (from === 0 || !this.#mayBorrow) return undefined;
    bytes.set(leafPrefix);
    const hash = sha256(bytes);
    bytes[0] = before;
    return hash;
  }

  #close(): void {
    if (this.#open) this.#leaves.push(digestBytes(this.#open));
    this.#open = undefined;
    this.#room = leafLength;
  }
}

/** The hash of one piece, as its bytes land: the root of the hash tree over its leaves. */
export class PieceHasher {
  readonly #leaves = new LeafHasher({ mayBorrow: true });

  /** Bytes of the piece, in order, in chunks of any length, which nobody else looks at meanwhile. */
  update(bytes: Uint8Array): void {
    this.#leaves.update(bytes);
  }

  /** 32 bytes, to be compared with Metainfo.pieceHashes; the hasher is used up. */
  finish(): Uint8Array {
    return merkleRoot(this.#leaves.finish(), sha256);
  }
}
