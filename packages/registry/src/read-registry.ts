import type { Digest, ManifestReference, RepositoryName } from '@shoal/core';
import type { BlobSource } from './blob-source.ts';

/** Who asks, as far as the request tells. */
export interface ReadClient {
  /** The Authorization header; undefined without one, and for the empty user and password that podman sends to mirrors. */
  readonly authorization: string | undefined;
  /** Where the client reached this listener, without a path: `http://localhost:7020`. */
  readonly reachedAt: string;
}

/** What a read knows of its request. */
export interface ReadContext extends ReadClient {
  readonly method: 'GET' | 'HEAD';
  /** The `ns` query of containerd: the registry host the client wants the content of. */
  readonly upstream: string | undefined;
  /** Aborts when the client leaves. Others may wait for the same content: it ends a wait, never a download. */
  readonly signal: AbortSignal;
}

export interface ServedManifest {
  /** In the algorithm the client asked with; for a tag, the digest the manifest was pushed under. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
  /** Byte-exact; may be left out for HEAD. */
  readonly bytes?: Uint8Array | undefined;
  /** Sent besides those of every manifest, such as `warning`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

export interface TagPage {
  /** In lexical order. */
  readonly tags: readonly string[];
  /** There are tags after the last of these. */
  readonly more: boolean;
}

export interface ServedReferrers {
  /** Descriptors of all manifests that name the subject; none for an unknown one. */
  readonly manifests: readonly unknown[];
  /** Sent besides the usual ones, such as `warning`. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/**
 * What a registry can be asked for; an origin answers from its store, an agent from the swarm. Unknown content
 * is an OciError: NAME_UNKNOWN, MANIFEST_UNKNOWN or BLOB_UNKNOWN.
 */
export interface ReadRegistry {
  /** Whether this client may go on without more credentials, asked by `GET /v2/`. @throws ChallengeError */
  base?(context: ReadContext): Promise<void>;
  manifest(repository: RepositoryName, reference: ManifestReference, context: ReadContext): Promise<ServedManifest>;
  /** Resolves as soon as the size is known; the caller closes the source. */
  blob(repository: RepositoryName, digest: Digest, context: ReadContext): Promise<BlobSource>;
  /** Tags after `last`; without `limit` as many as the registry sends in one page. Without this method the endpoint is 405. */
  tags?(
    repository: RepositoryName,
    page: { limit: number | undefined; last: string | undefined },
    context: ReadContext,
  ): Promise<TagPage>;
  /** What refers to a subject, of whatever type. Without this method the endpoint is 405. */
  referrers?(repository: RepositoryName, subject: Digest, context: ReadContext): Promise<ServedReferrers>;
}
