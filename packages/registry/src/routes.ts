import {
  type Digest,
  type ManifestReference,
  OciError,
  parseDigest,
  parseManifestReference,
  parseRepositoryName,
  type RepositoryName,
} from '@shoal/core';

/** What a path under `/v2/` names. Source: OCI Distribution Specification v1.1, "Endpoints". */
export type RegistryRoute =
  | { readonly kind: 'base' }
  | { readonly kind: 'manifest'; readonly repository: RepositoryName; readonly reference: ManifestReference }
  | { readonly kind: 'blob'; readonly repository: RepositoryName; readonly digest: Digest }
  | { readonly kind: 'uploads'; readonly repository: RepositoryName }
  | { readonly kind: 'upload'; readonly repository: RepositoryName; readonly id: string }
  | { readonly kind: 'tags'; readonly repository: RepositoryName }
  | { readonly kind: 'referrers'; readonly repository: RepositoryName; readonly digest: Digest };

export type RouteKind = RegistryRoute['kind'];

/**
 * Parses the raw request target (still percent-encoded, with or without a query). The path is split at
 * its slashes first and each segment is decoded once, so an encoded slash never becomes a separator.
 * Names contain slashes, and words such as `blobs`, so the path is read from its end.
 * @throws OciError NAME_INVALID, DIGEST_INVALID, MANIFEST_INVALID, BLOB_UPLOAD_UNKNOWN; NAME_UNKNOWN for a path that names nothing
 */
export const parseRegistryRoute = (target: string): RegistryRoute => {
  const path = target.split('?', 1)[0] ?? '';
  if (path === '/v2' || path === '/v2/') return { kind: 'base' };
  const [, version, ...segments] = path.split('/').map(decodeSegment);
  if (version !== 'v2') throw unknownPath(path);
  if (segments.at(-1) === '' && segments.at(-2) === 'uploads') segments.pop();
  const last = segments.at(-1) ?? '';
  const beforeLast = segments.at(-2);
  if (segments.length >= 3) {
    if (beforeLast === 'manifests')
      return { kind: 'manifest', repository: nameOf(segments, 2), reference: parseManifestReference(last) };
    if (beforeLast === 'referrers')
      return { kind: 'referrers', repository: nameOf(segments, 2), digest: parseDigest(last) };
    if (beforeLast === 'tags' && last === 'list') return { kind: 'tags', repository: nameOf(segments, 2) };
    if (beforeLast === 'blobs' && last === 'uploads') return { kind: 'uploads', repository: nameOf(segments, 2) };
    if (beforeLast === 'blobs') return { kind: 'blob', repository: nameOf(segments, 2), digest: parseDigest(last) };
    if (beforeLast === 'uploads' && segments.at(-3) === 'blobs')
      return { kind: 'upload', repository: nameOf(segments, 3), id: uploadId(last) };
  }
  throw unknownPath(path);
};

const decodeSegment = (segment: string): string => {
  let decoded: string;
  try {
    decoded = decodeURIComponent(segment);
  } catch {
    throw new OciError('NAME_INVALID', `path: ${JSON.stringify(segment.slice(0, 160))} is not valid percent-encoding`);
  }
  if (decoded.includes('/'))
    throw new OciError(
      'NAME_INVALID',
      `path: an encoded slash in ${JSON.stringify(segment.slice(0, 160))} is not allowed`,
    );
  return decoded;
};

const nameOf = (segments: readonly string[], suffixLength: number): RepositoryName =>
  parseRepositoryName(segments.slice(0, -suffixLength).join('/'));

const uploadId = (raw: string): string => {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(raw))
    throw new OciError('BLOB_UPLOAD_UNKNOWN', 'upload: there is no upload of that id');
  return raw;
};

const unknownPath = (path: string): OciError =>
  new OciError('NAME_UNKNOWN', `path: ${JSON.stringify(path.slice(0, 160))} is no endpoint of the registry API`);
