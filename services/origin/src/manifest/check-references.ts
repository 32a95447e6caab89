import { OciError } from '@shoal/core';
import type { Repository } from '../catalog/repository.ts';
import type { Content } from '../content.ts';
import type { Descriptor, ParsedManifest } from './parse-manifest.ts';

/** Lookups at the same moment, of one manifest. */
const lookupsMax = 32;

/**
 * Refuses a manifest whose parts cannot be pulled: config, layers and manifests of an index must belong to the
 * repository, with the size the descriptor states. Non-distributable layers and the subject may be missing. An
 * index may list what was pushed as a blob, as build caches do.
 * @throws OciError MANIFEST_BLOB_UNKNOWN with the missing descriptors, MANIFEST_INVALID for a wrong size
 */
export const checkReferences = async (
  content: Content,
  repository: Repository,
  manifest: ParsedManifest,
): Promise<void> => {
  const required = [...manifest.blobs.filter((blob) => !blob.nonDistributable), ...manifest.manifests];
  const missing: Descriptor[] = [];
  for (let from = 0; from < required.length; from += lookupsMax) {
    await Promise.all(
      required.slice(from, from + lookupsMax).map(async (descriptor) => {
        const stored = (await repository.holds(descriptor.digest))
          ? await content.blobs.stat(descriptor.digest)
          : undefined;
        if (!stored) missing.push(descriptor);
        else if (stored.size !== descriptor.size) {
          throw new OciError(
            'MANIFEST_INVALID',
            `${descriptor.digest} has ${stored.size} bytes, its descriptor says ${descriptor.size}`,
          );
        }
      }),
    );
  }
  if (missing.length === 0) return;
  throw new OciError(
    'MANIFEST_BLOB_UNKNOWN',
    `repository ${repository.name} lacks ${missing.length} of the manifest's parts`,
    {
      detail: missing.slice(0, 100).map(({ digest, mediaType, size }) => ({ digest, mediaType, size })),
    },
  );
};
