/** Manifests without a `mediaType` of their own are OCI's. Source: OCI Image Specification v1.1, "mediaType" of both. */
const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const ociIndex = 'application/vnd.oci.image.index.v1+json';

/** The media type a manifest names for itself, or that its shape shows; undefined for what is no manifest. */
export const mediaTypeOf = (manifest: unknown): string | undefined => {
  if (typeof manifest !== 'object' || manifest === null || Array.isArray(manifest)) return undefined;
  const { mediaType, manifests, config, layers } = manifest as Record<string, unknown>;
  if (typeof mediaType === 'string' && /^[\x21-\x7e]{1,255}$/.test(mediaType)) return mediaType;
  if (Array.isArray(manifests)) return ociIndex;
  return config !== undefined || Array.isArray(layers) ? ociManifest : undefined;
};
