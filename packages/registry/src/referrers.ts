/** The media type of an OCI index. */
export const indexType = 'application/vnd.oci.image.index.v1+json';

/** The index that lists referrers. Source: OCI Distribution Specification v1.1, "Listing Referrers". */
export const encodeReferrers = (manifests: readonly unknown[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: indexType, manifests });

/** The descriptors of such an index; none for what is none. */
export const decodeReferrers = (index: Uint8Array | string): unknown[] => {
  try {
    const text = typeof index === 'string' ? index : new TextDecoder().decode(index);
    const { manifests } = (JSON.parse(text) ?? {}) as { manifests?: unknown };
    return Array.isArray(manifests) ? manifests : [];
  } catch {
    return [];
  }
};

export const ofType = (manifests: readonly unknown[], artifactType: string): unknown[] =>
  manifests.filter((entry) => (entry as { artifactType?: unknown } | null)?.artifactType === artifactType);
