import { type Digest, isDigest, parseDigest } from './digest.ts';
import { OciError } from './errors.ts';

/** A repository name such as `team/app`. Source: OCI Distribution Specification v1.1, "Pulling manifests", `<name>`. */
export type RepositoryName = string & { readonly __brand: 'RepositoryName' };

/** A tag such as `v1.2`. Source: the same section, `<reference>` as a tag. */
export type Tag = string & { readonly __brand: 'Tag' };

const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const namePattern = new RegExp(`^${component}(?:/${component})*$`);
const tagPattern = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** Clients limit host + name to 255 characters, and a path component is a file name at the origin. */
export const repositoryNameLengthMax = 255;

/** @throws OciError NAME_INVALID */
export const parseRepositoryName = (raw: string): RepositoryName => {
  if (raw.length > repositoryNameLengthMax || !namePattern.test(raw)) {
    throw new OciError(
      'NAME_INVALID',
      `name: ${JSON.stringify(raw.slice(0, 300))} is not a repository name; allowed are up to ${repositoryNameLengthMax} characters matching ${namePattern.source}`,
    );
  }
  return raw as RepositoryName;
};

export const isTag = (raw: string): raw is Tag => tagPattern.test(raw);

/** @throws OciError MANIFEST_INVALID */
export const parseTag = (raw: string): Tag => {
  if (!isTag(raw))
    throw new OciError(
      'MANIFEST_INVALID',
      `tag: ${JSON.stringify(raw.slice(0, 160))} is not a tag; allowed is ${tagPattern.source}`,
    );
  return raw;
};

/** What stands behind `/manifests/`: a digest or a tag. */
export type ManifestReference =
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'tag'; readonly tag: Tag };

/** @throws OciError DIGEST_INVALID when `raw` has a colon but is no digest, MANIFEST_INVALID when it is no tag either */
export const parseManifestReference = (raw: string): ManifestReference => {
  if (isDigest(raw)) return { kind: 'digest', digest: raw };
  if (raw.includes(':')) return { kind: 'digest', digest: parseDigest(raw) };
  return { kind: 'tag', tag: parseTag(raw) };
};
