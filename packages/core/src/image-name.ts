import { InvalidValueError } from './errors.ts';
import {
  type ManifestReference,
  parseManifestReference,
  parseRepositoryName,
  type RepositoryName,
} from './reference.ts';

/** An image as people write it, in the names of the cluster: `team/app` is its own, `quay.io/team/app` one of another registry. */
export interface ImageName {
  readonly repository: RepositoryName;
  readonly reference: ManifestReference;
  /** As it is said of the image: the repository with `:tag` or `@digest`. */
  readonly text: string;
}

/**
 * `[host/]name[:tag][@digest]`; the tag is `latest` when neither is given, the digest counts when both are. A host in `own`
 * (`127.0.0.1:7000`) names the cluster itself and falls away.
 * @throws OciError, InvalidValueError
 */
export const parseImageName = (raw: string, own: readonly string[] = []): ImageName => {
  const [named = '', digest, ...more] = raw.split('@');
  if (more.length > 0) throw new InvalidValueError('image', raw, 'allowed is one @ with a digest behind it');
  const [, path = '', tag] = /^(.*?)(?::([^/:]+))?$/.exec(named) ?? [];
  const host = own.find((name) => path.startsWith(`${name}/`));
  const repository = parseRepositoryName(host === undefined ? path : path.slice(host.length + 1));
  const reference = parseManifestReference(digest ?? tag ?? 'latest');
  const text = reference.kind === 'tag' ? `${repository}:${reference.tag}` : `${repository}@${reference.digest}`;
  return { repository, reference, text };
};
