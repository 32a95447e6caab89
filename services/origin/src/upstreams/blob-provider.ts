import type { Digest, RepositoryName } from '@shoal/core';
import { SingleFlight, UpstreamError } from '@shoal/registry';
import type { ColdProvider, ColdSource } from '../cold/cold-source.ts';
import { type PullThrough, unknownBlob } from './pull-through.ts';
import type { Owners } from './owners.ts';
import type { UpstreamEvents } from './upstream-events.ts';
import type { UpstreamRepository, UpstreamSet } from '@shoal/upstreams';

export interface BlobProviderOptions {
  readonly upstreams: UpstreamSet;
  readonly pullThrough: PullThrough;
  readonly owners: Owners;
  readonly events: UpstreamEvents;
}

const flightsMax = 10_000;

/** Blobs of upstream registries, for whoever fetches what the origin does not have. */
export class UpstreamBlobs implements ColdProvider {
  readonly #o: BlobProviderOptions;
  readonly #sizes = new SingleFlight<number | undefined>({ keysMax: flightsMax });

  constructor(options: BlobProviderOptions) {
    this.#o = options;
  }

  /** Undefined for a repository of the origin itself. @throws OciError BLOB_UNKNOWN, NAME_UNKNOWN (404); UpstreamError (502) */
  async find(repository: RepositoryName, digest: Digest): Promise<ColdSource | undefined> {
    const { upstreams, pullThrough, owners } = this.#o;
    const from = upstreams.find(repository);
    if (!from) return undefined;
    const unknown = unknownBlob(repository, digest);
    const key = `${repository}@${digest}`;
    const ask = (): Promise<number | undefined> =>
      this.#sizes.run(key, () => pullThrough.blobSize(from, repository, digest));
    const elsewhere = owners.blob(repository, digest);
    const described = pullThrough.descriptors.size(repository, digest);
    return {
      repository,
      size: described ?? (await ask()),
      // A manifest may name what its repository does not have.
      ...(described !== undefined && { confirm: async () => void (await ask()) }),
      open: async (offset, signal) =>
        (await elsewhere.open(offset, signal)) ??
        pullThrough.refusals.asking(from, key, unknown, async () => {
          const blob = await from.upstream.blob(from.repository, digest, offset, signal);
          return this.#counted(from, blob.chunks);
        }),
    };
  }

  async *#counted({ label }: UpstreamRepository, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const { events } = this.#o;
    try {
      for await (const chunk of chunks) {
        events.received(label, chunk.length);
        yield chunk;
      }
    } catch (error) {
      if (error instanceof UpstreamError) events.failed(label, error);
      throw error;
    }
  }
}
