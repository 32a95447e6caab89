import type { Digest } from '@shoal/core';

/** Digests that are listed in a report. */
export const listedMax = 1000;

/** What a run has removed so far, or a dry one would have. */
export class Tally {
  repositories = 0;
  /** Links of repositories to blobs. */
  blobs = 0;
  manifests = 0;
  /** Not reached, but used since the grace period began. */
  young = 0;
  readonly problems: string[] = [];
  readonly digests: Digest[] = [];
  freedBytes = 0;
  freedCount = 0;
  readonly #would = new Map<Digest, { links: number; readonly size: number }>();

  /** Its bytes are gone. */
  freed(digest: Digest, size: number): void {
    this.freedBytes += size;
    this.freedCount++;
    if (this.digests.length < listedMax) this.digests.push(digest);
  }

  wouldUnlink(digest: Digest, size: number): void {
    const known = this.#would.get(digest);
    if (known) known.links++;
    else this.#would.set(digest, { links: 1, size });
  }

  /** Of a dry run: bytes go with the last link to them. */
  settle(linkCount: (digest: Digest) => number): void {
    for (const [digest, { links, size }] of this.#would) if (links >= linkCount(digest)) this.freed(digest, size);
    this.#would.clear();
  }
}
