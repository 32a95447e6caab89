import { type Digest, OciError, type RepositoryName, ShoalError } from '@shoal/core';
import { SingleFlight } from '@shoal/registry';
import type { Upload } from '@shoal/store';
import type { ColdProvider, ColdSource } from '../cold/cold-source.ts';
import type { Content } from '../content.ts';

const flightsMax = 1_000;
/** Reads that break off in a row without having brought a byte. */
const barrenMax = 4;

/** Fetches blobs into the store before anybody is served from them; each once at a time, whoever asks. */
export class StoreFirst {
  readonly #content: Content;
  readonly #provider: ColdProvider;
  readonly #stop: AbortSignal;
  readonly #flights = new SingleFlight<void>({ keysMax: flightsMax });

  constructor(o: { content: Content; provider: ColdProvider; stop: AbortSignal }) {
    this.#content = o.content;
    this.#provider = o.provider;
    this.#stop = o.stop;
  }

  /** Nothing happens for what is there, and for what no provider has. @throws OciError; UpstreamError */
  async fetch(name: RepositoryName, digest: Digest): Promise<void> {
    if ((await this.#content.catalog.get(name)?.holds(digest)) === true) return;
    const source = await this.#provider.find(name, digest, this.#stop);
    if (!source) return;
    await this.#flights.run(digest, () => this.#store(source, digest));
    // Another repository's request may have been the one that ran.
    await this.#content.mountBlob(name, digest, undefined);
  }

  async #store(source: ColdSource, digest: Digest): Promise<void> {
    const upload = await this.#content.blobs.uploads.create(source.repository);
    try {
      await this.#receive(upload, source);
      await this.#content.commitBlob(upload, digest);
    } catch (error) {
      await upload.cancel();
      throw error;
    }
  }

  async #receive(upload: Upload, source: ColdSource): Promise<void> {
    const bytesMax = source.size ?? Infinity;
    for (let barren = 0; ;) {
      const { size } = upload;
      try {
        await upload.append(await source.open(size, this.#stop), { offset: size, bytesMax: bytesMax - size });
        if (source.size === undefined || upload.size === source.size) return;
        throw new ShoalError('UPSTREAM_UNREACHABLE', 502, `the blob ends after ${upload.size} of ${source.size} bytes`);
      } catch (error) {
        barren = upload.size > size ? 0 : barren + 1;
        if (error instanceof OciError || barren === barrenMax || this.#stop.aborted) throw error;
      }
    }
  }
}
