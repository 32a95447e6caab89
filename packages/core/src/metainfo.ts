import { type Digest, isDigest } from './digest.ts';
import { InvalidValueError } from './errors.ts';
import { type HashFunction, type LeafAlgorithm, leafAlgorithms, merkleRoot } from './merkle.ts';
import { parsePieceLength, pieceCountOf } from './pieces.ts';
import { parseSignatures, type Signature } from './signature.ts';

/** What a peer needs to fetch and check one blob in pieces. Sizes in bytes. */
export interface Metainfo {
  readonly digest: Digest;
  readonly size: number;
  readonly leafAlgorithm: LeafAlgorithm;
  /** Root of the hash tree over 256 KiB leaves, 32 bytes. */
  readonly root: Uint8Array;
  readonly pieceLength: number;
  /** One subtree root a piece, 32 bytes each. */
  readonly pieceHashes: readonly Uint8Array[];
}

export interface SignedMetainfo {
  readonly metainfo: Metainfo;
  /** Over metainfoStatement(metainfo), by origins that have verified the blob's digest. */
  readonly signatures: readonly Signature[];
}

/** The bytes an origin signs. Digest, size and root determine the piece hashes of every cutting. */
export const metainfoStatement = (info: Metainfo): Uint8Array =>
  new TextEncoder().encode(
    `shoal-metainfo-v1\n${info.digest}\n${info.size}\n${info.leafAlgorithm}\n${info.root.toHex()}\n`,
  );

/** The persisted and wire form: versioned JSON, piece hashes concatenated in base64. */
export const encodeMetainfo = ({ metainfo, signatures }: SignedMetainfo): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify({
      version: 1,
      digest: metainfo.digest,
      size: metainfo.size,
      leafAlgorithm: metainfo.leafAlgorithm,
      root: metainfo.root.toHex(),
      pieceLength: metainfo.pieceLength,
      pieceHashes: concatenate(metainfo.pieceHashes).toBase64(),
      signatures,
    }),
  );

/**
 * Shape and consistency: the piece hashes add up to the root. Whether a signature is right is for the caller.
 * @throws InvalidValueError
 */
export const decodeMetainfo = (bytes: Uint8Array, hash: HashFunction): SignedMetainfo => {
  const raw = parseObject(bytes);
  if (raw['version'] !== 1) throw new InvalidValueError('metainfo.version', raw['version'], 'allowed is 1');
  const digest = raw['digest'];
  if (typeof digest !== 'string' || !isDigest(digest))
    throw new InvalidValueError('metainfo.digest', digest, 'a sha256 or sha512 digest');
  const size = raw['size'];
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw new InvalidValueError('metainfo.size', size, 'a number of bytes');
  const leafAlgorithm = leafAlgorithms.find((name) => name === raw['leafAlgorithm']);
  if (!leafAlgorithm)
    throw new InvalidValueError('metainfo.leafAlgorithm', raw['leafAlgorithm'], leafAlgorithms.join(', '));
  const pieceLength = parsePieceLength(typeof raw['pieceLength'] === 'number' ? raw['pieceLength'] : NaN);
  const root = bytesFrom('metainfo.root', raw['root'], (text) => Uint8Array.fromHex(text));
  const pieceHashes = split(
    bytesFrom('metainfo.pieceHashes', raw['pieceHashes'], (text) => Uint8Array.fromBase64(text)),
    32,
  );
  if (pieceHashes.length !== pieceCountOf(size, pieceLength))
    throw new InvalidValueError(
      'metainfo.pieceHashes',
      `${pieceHashes.length} hashes`,
      `${pieceCountOf(size, pieceLength)} pieces`,
    );
  if (merkleRoot(pieceHashes, hash).toHex() !== root.toHex())
    throw new InvalidValueError('metainfo.pieceHashes', 'they do not add up to the root', root.toHex());
  return {
    metainfo: { digest, size, leafAlgorithm, root, pieceLength, pieceHashes },
    signatures: parseSignatures(raw['signatures']),
  };
};

const parseObject = (bytes: Uint8Array): Record<string, unknown> => {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new InvalidValueError('metainfo', `${bytes.length} bytes`, 'a JSON object');
  }
  if (typeof value !== 'object' || value === null) throw new InvalidValueError('metainfo', value, 'a JSON object');
  return value as Record<string, unknown>;
};

const bytesFrom = (field: string, raw: unknown, decode: (text: string) => Uint8Array): Uint8Array => {
  try {
    return decode(typeof raw === 'string' ? raw : '?');
  } catch {
    throw new InvalidValueError(field, raw, 'encoded bytes');
  }
};

const concatenate = (parts: readonly Uint8Array[]): Uint8Array => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
};

const split = (bytes: Uint8Array, length: number): Uint8Array[] => {
  if (bytes.length % length !== 0)
    throw new InvalidValueError('metainfo.pieceHashes', `${bytes.length} bytes`, `a multiple of ${length}`);
  return Array.from({ length: bytes.length / length }, (_, index) =>
    bytes.subarray(index * length, (index + 1) * length),
  );
};
