import { decodeCut, type Digest, type GrowingCut, OciError, ShoalError, type SignedMetainfo } from '@shoal/core';
import type { OriginAnswer } from '../origin/answer.ts';
import { originsOrPeers } from '../origin/hedge.ts';
import { Lru, SingleFlight } from '@shoal/registry';
import type { PeerRecords } from '../peers/peer-records.ts';

/** Metainfo kept in memory ahead of the download; one of a 5 GB blob takes about 300 KB. */
const keptMax = 256;
const askingMax = 1024;
/** Metainfo questions that prefetching has under way at once. */
const prefetchingMax = 4;

export interface MetainfoSourceOptions {
  /** Never rejects. */
  readonly askOrigins: (digest: Digest, repository: string) => Promise<OriginAnswer<Uint8Array>>;
  readonly trusted: (digest: Digest, bytes: Uint8Array) => Promise<SignedMetainfo | undefined>;
  readonly peers: Pick<PeerRecords, 'first'>;
  readonly cached: (digest: Digest) => SignedMetainfo | undefined;
}

/** Signed metainfo, or how an origin cuts a blob that it is still receiving: of that no hash is known yet. */
export type FoundMetainfo =
  | { readonly kind: 'signed'; readonly signed: SignedMetainfo }
  | { readonly kind: 'growing'; readonly cut: GrowingCut };

/** Signed metainfo of a blob: from the cache, an origin, or - when none answers - from peers. Always verified. */
export class MetainfoSource {
  readonly #o: MetainfoSourceOptions;
  readonly #kept = new Lru<Digest, SignedMetainfo>({ sizeMax: keptMax });
  readonly #flights = new SingleFlight<FoundMetainfo>({ keysMax: askingMax });
  #prefetching = 0;

  constructor(o: MetainfoSourceOptions) {
    this.#o = o;
  }

  /** What this node has, for peers that ask. */
  known(digest: Digest): SignedMetainfo | undefined {
    return this.#o.cached(digest) ?? this.#kept.get(digest);
  }

  /** @throws OciError BLOB_UNKNOWN (404) when the origins say so; ShoalError UNAVAILABLE (503) when nobody can be asked */
  async find(digest: Digest, repository: string): Promise<FoundMetainfo> {
    const known = this.known(digest);
    return known ? { kind: 'signed', signed: known } : this.ask(digest, repository);
  }

  /** As `find`, by the word of somebody who has content of the blob now. */
  async ask(digest: Digest, repository: string): Promise<FoundMetainfo> {
    // By repository too: one that does not have the blob must not answer for one that has.
    const found = await this.#flights.run(`${repository}@${digest}`, () => this.#fetch(digest, repository));
    if (found.kind === 'signed') this.#kept.set(digest, found.signed);
    return found;
  }

  /** Fetches in the background what a manifest names; failures are for the pull to report. */
  async prefetch(digests: readonly Digest[], repository: string): Promise<void> {
    for (const digest of digests) {
      if (this.#prefetching >= prefetchingMax) return;
      if (this.known(digest)) continue;
      this.#prefetching++;
      await this.find(digest, repository).catch(() => undefined);
      this.#prefetching--;
    }
  }

  async #fetch(digest: Digest, repository: string): Promise<FoundMetainfo> {
    const { trusted, peers } = this.#o;
    const query = { kind: 'metainfo', key: digest, repository } as const;
    const answer = await originsOrPeers(this.#fromOrigins(digest, repository), () =>
      peers.first(query, { digest }, async (bytes) => signedOf(await trusted(digest, bytes))),
    );
    if (answer.kind === 'found' || answer.kind === 'peer') return answer.value;
    if (answer.kind === 'absent' && answer.doubt === undefined) {
      throw new OciError('BLOB_UNKNOWN', `${digest} is not known at the origin in ${repository}`, {
        detail: { digest },
      });
    }
    const reason = answer.kind === 'absent' ? answer.doubt : answer.reason;
    throw new ShoalError('UNAVAILABLE', 503, `${digest} cannot be fetched: ${reason}, and no peer has its metainfo`);
  }

  async #fromOrigins(digest: Digest, repository: string): Promise<OriginAnswer<FoundMetainfo>> {
    const answer = await this.#o.askOrigins(digest, repository);
    if (answer.kind !== 'found') return answer;
    // Unsigned, and believed of an origin that the configuration names only: nothing is complete by it.
    const cut = growingOf(digest, answer.value);
    const value = cut ?? signedOf(await this.#o.trusted(digest, answer.value));
    if (value) return { ...answer, value };
    return { kind: 'unreachable', reason: `the metainfo of ${answer.origin} is not signed by a trusted key` };
  }
}

const signedOf = (signed: SignedMetainfo | undefined): FoundMetainfo | undefined =>
  signed && { kind: 'signed', signed };

const growingOf = (digest: Digest, bytes: Uint8Array): FoundMetainfo | undefined => {
  try {
    const cut = decodeCut(bytes);
    return cut?.digest === digest ? { kind: 'growing', cut } : undefined;
  } catch {
    return undefined;
  }
};
