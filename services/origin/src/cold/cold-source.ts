import { type Digest, type RepositoryName, ShoalError } from '@shoal/core';
import type { BlobSource } from '@shoal/registry';

/** The source has tried all that there is to try: the fetch ends. */
export class GivenUpError extends ShoalError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('UPSTREAM_BROKEN', 502, message, options);
  }
}

/** Room that is kept for a blob until it is stored, or has failed. */
export interface Reservation extends Disposable {
  /** Bytes of it that are on the disk by now; set by who fetches it. */
  received: () => number;
}

/** Where the bytes of one blob come from that the origin does not have yet: an upstream registry, a storage backend. */
export interface ColdSource {
  /** The repository that holds the blob once it is verified. */
  readonly repository: RepositoryName;
  /** In bytes, from a descriptor or a Content-Length; without it nobody is served before the blob is complete. */
  readonly size?: number | undefined;
  /**
   * Asks the source whether its repository really has the blob, where only somebody's word for it is known yet. Called
   * before the bytes of another repository are given away as this one's. @throws what the client is to see
   */
  readonly confirm?: () => Promise<void>;
  /**
   * The bytes from `offset` on, in order; a chunk may be reused once the next one is asked for. Called once a blob, and
   * again where a read broke off. What it throws, and what the iteration throws, counts as a broken read; an OciError
   * (404, 401, ...) or a GivenUpError is final and ends the fetch. `signal` aborts when the fetch ends or stalls.
   */
  open(offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
}

/** Asked for blobs that are not stored; the first that has one delivers it. */
export interface ColdProvider {
  /**
   * How to get a blob of a repository, or undefined when this provider has none. Concurrent questions for the same blob
   * and repository are asked once. @throws what the client is to see, such as OciError UNAUTHORIZED
   */
  find(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<ColdSource | undefined>;
}

/** A blob on its way into the origin. One a digest, however many ask for it. */
export interface ColdFetch {
  readonly digest: Digest;
  /** In bytes; undefined while nobody knows it. */
  readonly size: number | undefined;
  /** Bytes received so far. */
  readonly received: number;
  /**
   * Resolves when the digest is verified, the blob stored and linked by every repository that asked, and its metainfo
   * signed. Rejects when it has failed and everything received is gone: OciError DIGEST_INVALID for other bytes than the
   * digest names, OciError SIZE_INVALID for another length, ShoalError UPSTREAM_BROKEN after the last retry, or the
   * OciError of the source. Never an unhandled rejection.
   */
  readonly done: Promise<void>;
  /**
   * The bytes as they arrive, for an HTTP reply; the last piece comes only once the digest is verified. Without a size it
   * resolves when the blob is complete. @throws what `done` rejects with, the signal's reason
   */
  open(signal: AbortSignal): Promise<BlobSource>;
}

/** The one entry for cold bytes. */
export interface ColdEntry {
  /**
   * Fetches a blob into the store, agents and clients being served while it arrives; joins the fetch that runs already, whose
   * source then stays the only one. `source.repository` will hold the blob. @throws ShoalError OVERLOADED, CLOSING (503)
   */
  fetch(digest: Digest, source: ColdSource): ColdFetch;
  /** The fetch that runs for a blob of this repository, or one that a provider makes possible; undefined: nobody has it. */
  want(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<ColdFetch | undefined>;
  /** Providers are asked in the order in which they were added. */
  addProvider(provider: ColdProvider): void;
}
