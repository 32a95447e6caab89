import { type Digest, isDigest } from './digest.ts';
import { InvalidValueError } from './errors.ts';
import { type HashFunction, type LeafAlgorithm, leafAlgorithms, merkleRoot } from './merkle.ts';
import type { Metainfo } from './metainfo.ts';
import { parsePieceLength, pieceCountOf } from './pieces.ts';

/** How a blob is cut, and the hashes of its pieces as far as they are known: Metainfo is one with all of them. */
export interface BlobCut {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly leafAlgorithm: LeafAlgorithm;
  readonly pieceLength: number;
  /** 32 bytes each. */
  readonly pieceHashes: readonly (Uint8Array | undefined)[];
}

/** The cut of a cold blob: hashes are filled in as pieces become known. Nobody has signed it. */
export interface GrowingCut extends BlobCut {
  readonly pieceHashes: (Uint8Array | undefined)[];
}

/** A cut of which no hash is known yet. */
export const growingCut = (digest: Digest, size: number, pieceLength: number): GrowingCut => ({
  digest,
  size,
  leafAlgorithm: 'sha256',
  pieceLength,
  pieceHashes: Array.from({ length: pieceCountOf(size, pieceLength) }, () => undefined),
});

/** Whether `metainfo` cuts the blob alike and has every hash that is known here. */
export const agreesWith = (cut: BlobCut, metainfo: BlobCut): boolean =>
  cut.digest === metainfo.digest &&
  cut.size === metainfo.size &&
  cut.leafAlgorithm === metainfo.leafAlgorithm &&
  cut.pieceLength === metainfo.pieceLength &&
  cut.pieceHashes.every((hash, piece) => hash === undefined || hash.toHex() === metainfo.pieceHashes[piece]?.toHex());

/** Metainfo of a cut all of whose hashes are known; else undefined. */
export const wholeCut = (cut: BlobCut, sha256: HashFunction): Metainfo | undefined => {
  const pieceHashes = cut.pieceHashes.filter((hash) => hash !== undefined);
  if (pieceHashes.length < cut.pieceHashes.length) return undefined;
  const { digest, size, leafAlgorithm, pieceLength } = cut;
  return { digest, size, leafAlgorithm, root: merkleRoot(pieceHashes, sha256), pieceLength, pieceHashes };
};

/** What an origin tells of a blob that it is still receiving: how it is cut, no hashes. JSON, unsigned. */
export const encodeCut = ({ digest, size, leafAlgorithm, pieceLength }: BlobCut): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ version: 1, growing: true, digest, size, leafAlgorithm, pieceLength }));

/** Undefined for bytes that are something else, such as signed metainfo. @throws InvalidValueError */
export const decodeCut = (bytes: Uint8Array): GrowingCut | undefined => {
  let raw: unknown;
  try {
    raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  const { version, growing, digest, size, leafAlgorithm, pieceLength } = (raw ?? {}) as Record<string, unknown>;
  if (growing !== true) return undefined;
  if (version !== 1) throw new InvalidValueError('cut.version', version, 'allowed is 1');
  if (typeof digest !== 'string' || !isDigest(digest))
    throw new InvalidValueError('cut.digest', digest, 'a sha256 or sha512 digest');
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new InvalidValueError('cut.size', size, 'a number of bytes');
  if (!leafAlgorithms.some((name) => name === leafAlgorithm))
    throw new InvalidValueError('cut.leafAlgorithm', leafAlgorithm, leafAlgorithms.join(', '));
  const length = parsePieceLength(typeof pieceLength === 'number' ? pieceLength : NaN);
  const pieces = pieceCountOf(size, length);
  if (pieces > growingPiecesMax)
    throw new InvalidValueError('cut.size', size, `allowed are ${growingPiecesMax} pieces`);
  return growingCut(digest, size, length);
};

/** Pieces of a growing blob: as many as a JOIN can tell of. */
const growingPiecesMax = 4 * 1024 * 1024;
