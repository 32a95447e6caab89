import { type Digest, referrersTag, type RepositoryName } from '@shoal/core';
import { decodeReferrers } from '../referrers.ts';
import type { AskOptions, Upstream } from './upstream.ts';
import { UpstreamError } from './upstream-error.ts';

/** Pages of one list that are followed. */
const pagesMax = 64;

/**
 * The descriptors of what refers to a subject, by the referrers API, else by its tag schema.
 * Source: OCI Distribution Specification v1.1, "Listing Referrers", "Referrers Tag Schema".
 * @throws UpstreamError when the registry does not answer, or does not let us look
 */
export const upstreamReferrers = async (
  upstream: Pick<Upstream, 'list' | 'manifest'>,
  repository: RepositoryName,
  subject: Digest,
  options: AskOptions = {},
): Promise<unknown[]> => {
  try {
    return await listed(upstream, repository, subject, options);
  } catch (error) {
    // Registries without the API refuse it in many ways.
    if (!(error instanceof UpstreamError) || error.passing) throw error;
  }
  try {
    const reference = { kind: 'tag', tag: referrersTag(subject) } as const;
    return decodeReferrers((await upstream.manifest(repository, reference, options)).bytes);
  } catch (error) {
    if (error instanceof UpstreamError && (error.failure === 'absent' || error.failure === 'invalid')) return [];
    throw error;
  }
};

const listed = async (
  upstream: Pick<Upstream, 'list'>,
  repository: RepositoryName,
  subject: Digest,
  options: AskOptions,
): Promise<unknown[]> => {
  const all: unknown[] = [];
  let path: string | undefined = `referrers/${subject}`;
  for (let page = 0; path !== undefined && page < pagesMax; page++) {
    const { bytes, next }: { bytes: Uint8Array; next: string | undefined } = await upstream.list(
      repository,
      path,
      options,
    );
    all.push(...decodeReferrers(bytes));
    path = next;
  }
  return all;
};
