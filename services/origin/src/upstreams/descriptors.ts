import type { Digest, RepositoryName } from '@shoal/core';
import { Lru } from '@shoal/registry';
import { parseManifest } from '../manifest/parse-manifest.ts';

const keptMax = 100_000;

/** What the manifests that passed say of the content they refer to; each is believed for its own repository only. */
export class Descriptors {
  readonly #kept = new Lru<string, { readonly blob: boolean; readonly size: number }>({ sizeMax: keptMax });

  /** Nothing is learned from what is no manifest this origin can read; it is served all the same. */
  remember(name: RepositoryName, bytes: Uint8Array, mediaType: string): void {
    let manifest: ReturnType<typeof parseManifest>;
    try {
      manifest = parseManifest(bytes, mediaType);
    } catch {
      return;
    }
    for (const { digest, size } of manifest.blobs) this.#kept.set(`${name}@${digest}`, { blob: true, size });
    for (const { digest, size } of manifest.manifests) this.#kept.set(`${name}@${digest}`, { blob: false, size });
  }

  /** What another origin has learned. */
  rememberBlob(name: RepositoryName, digest: Digest, size: number): void {
    this.#kept.set(`${name}@${digest}`, { blob: true, size });
  }

  isBlob(name: RepositoryName, digest: Digest): boolean {
    return this.#kept.get(`${name}@${digest}`)?.blob === true;
  }

  /** In bytes; undefined when no manifest spoke of it. */
  size(name: RepositoryName, digest: Digest): number | undefined {
    return this.#kept.get(`${name}@${digest}`)?.size;
  }
}
