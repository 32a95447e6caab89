import { hash } from 'node:crypto';
import { type Digest, digestAlgorithm, digestOf, leafLength, type SignedMetainfo } from '@shoal/core';
import { type CachedBlob, PieceHasher } from '@shoal/store';
import type { AgentEvents } from '../events.ts';
import { originsOrPeers } from '../origin/hedge.ts';
import { type Origins, ownerKey } from '../origin/origins.ts';
import type { PeerRecords } from '../peers/peer-records.ts';

export interface SmallBlobOptions {
  readonly origins: Pick<Origins, 'ask'>;
  readonly peers: Pick<PeerRecords, 'first'>;
  readonly events: Pick<AgentEvents, 'received'>;
}

/** Content that travels whole: joining a swarm for it would cost more round trips than fetching it. */
export const isSmall = ({ metainfo }: SignedMetainfo): boolean => metainfo.size <= leafLength;

/** Without a signature nobody has verified the digest but the one who told the hashes. */
export const isSigned = ({ signatures }: SignedMetainfo): boolean => signatures.length > 0;

/**
 * Fetches a blob of one smallest piece in one round trip, from an origin or, when none delivers, from a peer.
 * False when nobody did: the swarm may know better.
 */
export const fetchSmall = async (blob: CachedBlob, repository: string, o: SmallBlobOptions): Promise<boolean> => {
  const { metainfo } = blob.signed;
  const isRight = (bytes: Uint8Array): boolean => isSigned(blob.signed) || hasDigest(bytes, metainfo.digest);
  if (metainfo.size === 0 && !isRight(new Uint8Array())) return false;
  if (metainfo.size > 0) {
    const matches = (bytes: Uint8Array): boolean =>
      bytes.length === metainfo.size && hasHash(bytes, metainfo.pieceHashes[0]) && isRight(bytes);
    const asked = o.origins.ask(
      async (client) => {
        const bytes = await client.content(metainfo.digest, repository);
        if (!matches(bytes)) throw new Error(`${metainfo.digest} arrived with other content`);
        return bytes;
      },
      ownerKey(repository, metainfo.digest),
    );
    const query = { kind: 'blob', key: metainfo.digest, repository } as const;
    const answer = await originsOrPeers(asked, () =>
      o.peers.first(query, { digest: metainfo.digest }, (bytes) => (matches(bytes) ? bytes : undefined)),
    );
    if (answer.kind !== 'found' && answer.kind !== 'peer') return false;
    blob.writeSync(answer.value, 0);
    blob.markPiece(0);
    o.events.received(answer.kind === 'peer' ? 'peer' : 'http', answer.value.length);
  }
  await blob.finish();
  return true;
};

const hasDigest = (bytes: Uint8Array, digest: Digest): boolean => {
  const algorithm = digestAlgorithm(digest);
  return digestOf(algorithm, hash(algorithm, bytes, 'buffer')) === digest;
};

const hasHash = (bytes: Uint8Array, expected: Uint8Array | undefined): boolean => {
  const hasher = new PieceHasher();
  hasher.update(bytes);
  return expected !== undefined && Buffer.compare(hasher.finish(), expected) === 0;
};
