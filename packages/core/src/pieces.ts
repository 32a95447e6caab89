import { InvalidValueError } from './errors.ts';
import { KiB, MiB } from './units.ts';

/** The length of a hash-tree leaf and of the smallest piece, in bytes. */
export const leafLength = 256 * KiB;

/** An index into the pieces of a blob, 0 to pieceCount - 1. */
export type PieceIndex = number;

/** How blobs are cut: equal in the whole cluster, part of its configuration. Lengths in bytes, powers of two. */
export interface PieceLengthPolicy {
  readonly piecesTarget: number;
  readonly lengthMin: number;
  readonly lengthMax: number;
}

export const defaultPieceLengthPolicy: PieceLengthPolicy = {
  piecesTarget: 2400,
  lengthMin: leafLength,
  lengthMax: 32 * MiB,
};

/** The next power of two at or above size / piecesTarget, within the policy's bounds. */
export const pieceLengthFor = (size: number, policy: PieceLengthPolicy = defaultPieceLengthPolicy): number => {
  let length = policy.lengthMin;
  while (length < policy.lengthMax && length * policy.piecesTarget < size) length *= 2;
  return length;
};

export const pieceCountOf = (size: number, pieceLength: number): number => Math.ceil(size / pieceLength);

/** Byte offset and length of a piece; the last one may be shorter. */
export const pieceSpan = (size: number, pieceLength: number, index: PieceIndex): { offset: number; length: number } => {
  const offset = index * pieceLength;
  return { offset, length: Math.min(pieceLength, size - offset) };
};

/** @throws InvalidValueError unless `length` is a power of two of at least one leaf and at most 1 GiB */
export const parsePieceLength = (length: number): number => {
  const leaves = length / leafLength;
  if (!Number.isInteger(leaves) || leaves < 1 || leaves > 4096 || (leaves & (leaves - 1)) !== 0) {
    throw new InvalidValueError('pieceLength', length, `allowed is ${leafLength} times a power of two, up to 1 GiB`);
  }
  return length;
};
