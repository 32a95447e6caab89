import { type Digest, isDigest } from '@shoal/core';
import { Lru } from '@shoal/registry';

/** What a manifest says of content it refers to. Source: OCI Image Specification v1.1, descriptor.md. */
export interface Descriptor {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly mediaType: string;
  readonly role: 'manifest' | 'blob';
  /** Clients fetch it from its `urls`: registries need not have it. */
  readonly elsewhere: boolean;
}

const descriptorsMax = 20_000;
/** Descriptors read of one manifest. */
const perManifestMax = 1_000;

/** Sizes and media types learned from the manifests that passed. */
export class DescriptorBook {
  readonly #known = new Lru<Digest, Descriptor>({ sizeMax: descriptorsMax });

  get(digest: Digest): Descriptor | undefined {
    return this.#known.get(digest);
  }

  remember(descriptors: readonly Descriptor[]): void {
    for (const descriptor of descriptors) this.#known.set(descriptor.digest, descriptor);
  }
}

const foreign = /\.nondistributable\.|\.foreign\./;

/** The descriptors of an image manifest or an index; none for what is neither. */
export const descriptorsOf = (manifest: unknown): Descriptor[] => {
  const { config, layers, blobs, manifests } = (manifest ?? {}) as Record<string, unknown>;
  const parts: [unknown, Descriptor['role']][] = [
    ...listOf(manifests).map((part): [unknown, 'manifest'] => [part, 'manifest']),
    ...[config, ...listOf(layers), ...listOf(blobs)].map((part): [unknown, 'blob'] => [part, 'blob']),
  ];
  return parts.slice(0, perManifestMax).flatMap(([part, role]) => descriptorOf(part, role) ?? []);
};

const descriptorOf = (raw: unknown, role: Descriptor['role']): Descriptor | undefined => {
  const { digest, size, mediaType: type, urls } = (raw ?? {}) as Record<string, unknown>;
  if (typeof digest !== 'string' || !isDigest(digest)) return undefined;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) return undefined;
  const mediaType = typeof type === 'string' ? type : '';
  const elsewhere = foreign.test(mediaType) || (Array.isArray(urls) && urls.length > 0);
  return { digest, size, mediaType, role, elsewhere };
};

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
