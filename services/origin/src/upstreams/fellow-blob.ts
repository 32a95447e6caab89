import type { Digest, RepositoryName } from '@shoal/core';
import { UpstreamError } from '@shoal/registry';
import { GivenUpError } from '../cold/cold-source.ts';
import type { Fellow } from '../ring/fellow.ts';
import type { OriginRing } from '../ring/origin-ring.ts';

/** A body that ends short although the origin lives, more often than this: it has failed there, not on the way. */
const breaksMax = 1;

/** A blob that another origin fetches, as it arrives there. */
export class FellowBlob {
  readonly #ring: OriginRing;
  readonly #name: RepositoryName;
  readonly #digest: Digest;
  #breaks = 0;

  constructor(ring: OriginRing, name: RepositoryName, digest: Digest) {
    this.#ring = ring;
    this.#name = name;
    this.#digest = digest;
  }

  /** Undefined: this origin is to fetch it. @throws OciError (404); GivenUpError: that origin has tried in vain */
  async open(offset: number, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined> {
    try {
      const told = await this.#ring.ask(
        this.#digest,
        async (fellow, ends) => this.#watched(fellow, await fellow.content(this.#name, this.#digest, offset, ends)),
        signal,
      );
      return told?.value;
    } catch (error) {
      throw error instanceof UpstreamError ? new GivenUpError(error.message, { cause: error }) : error;
    }
  }

  async *#watched(fellow: Fellow, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      yield* chunks;
    } catch (error) {
      if ((await this.#ring.lives(fellow)) && ++this.#breaks > breaksMax)
        throw new GivenUpError(`${fellow.url} could not fetch ${this.#digest}`, { cause: error });
      throw error;
    }
  }
}
