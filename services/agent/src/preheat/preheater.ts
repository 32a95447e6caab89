import { setTimeout } from 'node:timers/promises';
import { type Digest, parseImageName, parseManifestReference, type RepositoryName, ShoalError } from '@shoal/core';
import type { BlobSource, ReadContext, ReadRegistry } from '@shoal/registry';
import type { PieceCache } from '@shoal/store';
import { descriptorsOf } from '../metainfo/descriptor-book.ts';

export interface PreheaterOptions {
  readonly registry: Pick<ReadRegistry, 'manifest' | 'blob'>;
  readonly cache: Pick<PieceCache, 'get'>;
  /** Of the images of an index, this node's are fetched. */
  readonly platform: { readonly os: string; readonly architecture: string };
}

/** Blobs of an image at once; runtimes that pull meanwhile are not to wait for more. */
const blobsAtOnce = 2;
const bufferBytes = 256 * 1024;
const depthMax = 4;
const attemptsMax = 3;
const retryMs = 2000;

/** Gets images into the cache before anybody wants them. */
export class Preheater {
  readonly #o: PreheaterOptions;

  constructor(o: PreheaterOptions) {
    this.#o = o;
  }

  /** Nobody waits for the first byte here, so what passes is waited for; what is there stays. @returns bytes of the image */
  async preheat(image: string, signal: AbortSignal): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#fetch(image, signal);
      } catch (error) {
        const passes = error instanceof ShoalError && error.status === 503;
        if (!passes || attempt >= attemptsMax || signal.aborted) throw error;
        await setTimeout(retryMs * attempt, undefined, { signal });
      }
    }
  }

  async #fetch(image: string, signal: AbortSignal): Promise<number> {
    const { repository, reference } = parseImageName(image);
    const blobs = new Map<Digest, number>();
    let bytes = await this.#collect(repository, reference.kind === 'tag' ? reference.tag : reference.digest, {
      blobs,
      signal,
      depth: 0,
    });
    const left = [...blobs.keys()];
    const work = async (): Promise<void> => {
      for (let digest = left.shift(); digest; digest = left.shift())
        bytes += await this.#blob(repository, digest, signal);
    };
    await Promise.all(Array.from({ length: blobsAtOnce }, work));
    return bytes;
  }

  /** Reads manifests, notes the blobs that they name, and gives the bytes of the manifests. */
  async #collect(
    repository: RepositoryName,
    raw: string,
    o: { readonly blobs: Map<Digest, number>; readonly signal: AbortSignal; readonly depth: number },
  ): Promise<number> {
    const { registry } = this.#o;
    const { bytes, size } = await registry.manifest(repository, parseManifestReference(raw), contextOf(o.signal));
    const manifest = JSON.parse(Buffer.from(bytes ?? new Uint8Array()).toString()) as { manifests?: unknown };
    let total = size;
    if (o.depth >= depthMax) throw new Error(`${repository}: an index within an index, more than ${depthMax} deep`);
    const wanted = new Set(this.#wantedOf(manifest.manifests));
    for (const { digest, size: blobSize, role } of descriptorsOf(manifest)) {
      if (role === 'blob') o.blobs.set(digest, blobSize);
      else if (wanted.has(digest)) total += await this.#collect(repository, digest, { ...o, depth: o.depth + 1 });
    }
    return total;
  }

  #wantedOf(manifests: unknown): string[] {
    if (!Array.isArray(manifests)) return [];
    const { os, architecture } = this.#o.platform;
    const all = manifests as { digest?: string; platform?: { os?: string; architecture?: string } }[];
    const wanted = all.filter(
      ({ platform }) => !platform || (platform.os === os && platform.architecture === architecture),
    );
    if (wanted.length === 0) throw new Error(`the image has no manifest for ${os}/${architecture}`);
    return wanted.flatMap(({ digest }) => digest ?? []);
  }

  /** Reads it as a runtime would: this starts the download, and keeps it going. */
  async #blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<number> {
    const source = await this.#o.registry.blob(repository, digest, contextOf(signal));
    try {
      await readThrough(source, signal);
    } finally {
      source.close();
    }
    if (this.#o.cache.get(digest)?.complete) return source.size;
    throw new Error(`${digest} (${source.size} bytes) did not fit into the cache`);
  }
}

const readThrough = async (source: BlobSource, signal: AbortSignal): Promise<void> => {
  const buffer = new Uint8Array(bufferBytes);
  for (let position = 0; position < source.size;) {
    await source.waitFor(position, signal);
    position += source.readInto(buffer, position);
  }
};

const contextOf = (signal: AbortSignal): ReadContext => ({
  method: 'GET',
  upstream: undefined,
  authorization: undefined,
  reachedAt: '',
  signal,
});
