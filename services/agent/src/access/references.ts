import type { Digest } from '@shoal/core';
import { Lru, type ServedManifest } from '@shoal/registry';
import { descriptorsOf } from '../metainfo/descriptor-book.ts';

const manifestsMax = 256;

/** The blobs that manifests refer to. Manifests of an index are not among them: their registry is asked about each. */
export class References {
  readonly #known = new Lru<Digest, readonly Digest[]>({ sizeMax: manifestsMax });

  of({ digest, bytes }: Pick<ServedManifest, 'digest' | 'bytes'>): readonly Digest[] {
    const known = this.#known.get(digest);
    if (known || !bytes) return known ?? [];
    const blobs = descriptorsOf(JSON.parse(new TextDecoder().decode(bytes)))
      .filter(({ role }) => role === 'blob')
      .map((descriptor) => descriptor.digest);
    this.#known.set(digest, blobs);
    return blobs;
  }
}
