import {
  type Digest,
  digestAlgorithm,
  growingCut,
  type PieceLengthPolicy,
  pieceLengthFor,
  ShoalError,
} from '@shoal/core';
import { type CachedBlob, type PieceCache, TreeHasher } from '@shoal/store';
import { matchesDigest } from '../pull/whole-digest.ts';

/** Reads that break off in a row, without a new byte each. */
const barrenMax = 3;

export interface WholeFetch {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** The bytes from an offset on; asked again where a read broke off. */
  readonly open: (offset: number) => Promise<AsyncIterable<Uint8Array>>;
}

/**
 * Fetches a blob into the cache and verifies its digest; until then nobody sees it. Its metainfo carries no signature.
 * @throws ShoalError UNAVAILABLE for other bytes than the digest names; StoreFullError; what `open` throws in the end
 */
export const fetchWhole = async (
  cache: PieceCache,
  policy: PieceLengthPolicy,
  fetch: WholeFetch,
  signal: AbortSignal,
): Promise<CachedBlob> => {
  const { digest, size } = fetch;
  const blob = await cache.createGrowing(growingCut(digest, size, pieceLengthFor(size, policy)));
  using _retained = blob.retain();
  try {
    const tree = new TreeHasher();
    await receive(blob, fetch, (bytes) => tree.update(bytes), signal);
    const { digest: actual, metainfo } = tree.finish(policy);
    const right = digestAlgorithm(digest) === 'sha256' ? actual === digest : await matchesDigest(blob, signal);
    if (!right) throw new ShoalError('UNAVAILABLE', 503, `${digest}: its registry gave other bytes`);
    for (const [piece, hash] of metainfo.pieceHashes.entries()) {
      if (blob.growing) blob.growing.pieceHashes[piece] = hash;
      blob.markPiece(piece);
    }
    cache.confirm(blob, { metainfo: { ...metainfo, digest }, signatures: [] });
    await blob.finish();
    return blob;
  } catch (error) {
    cache.remove(digest);
    throw error;
  }
};

const receive = async (
  blob: CachedBlob,
  { digest, size, open }: WholeFetch,
  hash: (bytes: Uint8Array) => void,
  signal: AbortSignal,
): Promise<void> => {
  let received = 0;
  for (let barren = 0; received < size;) {
    const before = received;
    try {
      for await (const bytes of await open(received)) {
        signal.throwIfAborted();
        if (received + bytes.length > size)
          throw new ShoalError('UNAVAILABLE', 503, `${digest}: its registry has more than ${size} bytes of it`);
        blob.writeSync(bytes, received);
        hash(bytes);
        received += bytes.length;
      }
      if (received < size) throw new Error(`${digest} ended after ${received} of ${size} bytes`);
    } catch (error) {
      barren = received > before ? 0 : barren + 1;
      if (signal.aborted || barren === barrenMax || error instanceof ShoalError) throw error;
    }
  }
};
