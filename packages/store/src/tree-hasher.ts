import {
  type Digest,
  digestOf,
  leafLength,
  merkleRoot,
  type Metainfo,
  pieceHashesOf,
  type PieceIndex,
  type PieceLengthPolicy,
  pieceLengthFor,
} from '@shoal/core';
import { createHash } from 'node:crypto';
import { sha256 } from './hash.ts';
import { LeafHasher } from './piece-hasher.ts';

/** The SHA-256 digest and the metainfo of a blob of unknown length, in one pass over its bytes. */
export class TreeHasher {
  readonly #whole = createHash('sha256');
  readonly #leaves = new LeafHasher();
  #size = 0;

  /** The next bytes of the blob, in chunks of any length. */
  update(chunk: Uint8Array): void {
    this.#whole.update(chunk);
    this.#leaves.update(chunk);
    this.#size += chunk.length;
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size;
  }

  /** The hash of a piece whose bytes have all passed, and which is not the last. */
  pieceHash(piece: PieceIndex, pieceLength: number): Uint8Array {
    const leaves = pieceLength / leafLength;
    return merkleRoot(this.#leaves.closed, sha256, piece * leaves, (piece + 1) * leaves);
  }

  /** The piece length follows from the size, now that it is known; the hasher is used up. */
  finish(policy: PieceLengthPolicy): { digest: Digest; metainfo: Metainfo } {
    const digest = digestOf('sha256', this.#whole.digest());
    const pieceLength = pieceLengthFor(this.#size, policy);
    const pieceHashes = pieceHashesOf(this.#leaves.finish(), pieceLength / leafLength, sha256);
    const root = merkleRoot(pieceHashes, sha256);
    return { digest, metainfo: { digest, size: this.#size, leafAlgorithm: 'sha256', root, pieceLength, pieceHashes } };
  }
}
