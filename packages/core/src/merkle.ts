/** SHA-256 or the like over the concatenation of `parts`; injected, so that this package stays free of node:crypto. */
export type HashFunction = (...parts: Uint8Array[]) => Uint8Array;

/** Every hash on the wire and on disk names its algorithm. */
export type LeafAlgorithm = 'sha256';

export const leafAlgorithms: readonly LeafAlgorithm[] = ['sha256'];

/** Domain separation of leaves and inner nodes. Source: RFC 6962, section 2.1. */
export const leafPrefix = Uint8Array.of(0x00);
const nodePrefix = Uint8Array.of(0x01);

/**
 * The Merkle tree hash over leaf hashes, or over the roots of equal complete subtrees: the tree splits
 * at the largest power of two below n, so a piece of 2^k leaves is one of its subtrees and the root over
 * piece hashes is the root over leaves. Source: RFC 6962, section 2.1.
 */
export const merkleRoot = (
  nodes: readonly Uint8Array[],
  hash: HashFunction,
  from = 0,
  to = nodes.length,
): Uint8Array => {
  const count = to - from;
  if (count === 0) return hash();
  if (count === 1) return nodes[from] ?? hash();
  let split = 1;
  while (split * 2 < count) split *= 2;
  return hash(nodePrefix, merkleRoot(nodes, hash, from, from + split), merkleRoot(nodes, hash, from + split, to));
};

/** The roots of consecutive groups of `leavesPerPiece` leaves: the piece hashes. */
export const pieceHashesOf = (
  leaves: readonly Uint8Array[],
  leavesPerPiece: number,
  hash: HashFunction,
): Uint8Array[] => {
  const hashes: Uint8Array[] = [];
  for (let from = 0; from < leaves.length; from += leavesPerPiece) {
    hashes.push(merkleRoot(leaves, hash, from, Math.min(from + leavesPerPiece, leaves.length)));
  }
  return hashes;
};
