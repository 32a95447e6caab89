import { hash } from 'node:crypto';
import { type Digest, digestAlgorithm, digestOf, isDigest, type RepositoryName } from '@shoal/core';
import type { AskedFor, RegistryAnswer, RegistryRequest } from './endpoint.ts';
import { brokenConnection, dropBody } from './transport.ts';
import { UpstreamError } from './upstream-error.ts';

export interface UpstreamManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  /** As the registry sent them. */
  readonly bytes: Uint8Array;
}

export interface UpstreamBlob {
  /** Of the whole blob, in bytes, where the registry tells it. */
  readonly size: number | undefined;
  /** From the asked offset on; the iteration throws UpstreamError `unreachable` when the connection breaks. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface UpstreamList {
  readonly bytes: Uint8Array;
  readonly more: boolean;
  /** Where the next page is, below the repository; undefined also for a link that leads elsewhere. */
  readonly next: string | undefined;
}

/** Every type there is: a registry that is not told of them converts manifests, or says that there is none. */
export const manifestAccept = {
  accept: [
    'application/vnd.oci.image.index.v1+json',
    'application/vnd.oci.image.manifest.v1+json',
    'application/vnd.docker.distribution.manifest.list.v2+json',
    'application/vnd.docker.distribution.manifest.v2+json',
    'application/vnd.oci.artifact.manifest.v1+json',
    '*/*;q=0.1',
  ].join(', '),
  'accept-encoding': 'identity',
};

export const asked = (
  method: 'GET' | 'HEAD',
  askedFor: AskedFor,
  repository: RepositoryName,
  path: string,
  headers: Readonly<Record<string, string>>,
): Omit<RegistryRequest, 'signal'> => ({ method, askedFor, repository, path, headers });

export const digestHeader = ({ headers }: RegistryAnswer): Digest | undefined => {
  const raw = [headers['docker-content-digest'] ?? ''].flat()[0] ?? '';
  return isDigest(raw) ? raw : undefined;
};

/** Source: OCI Distribution Specification v1.1, "Listing Tags", "Listing Referrers" (RFC 8288). */
export const nextPage = ({ headers, url }: RegistryAnswer, repository: RepositoryName): string | undefined => {
  const [, raw] = /<([^>]+)>\s*;[^,]*\brel="?next\b/i.exec([headers['link'] ?? ''].flat().join(', ')) ?? [];
  const target = raw === undefined ? undefined : URL.parse(raw, url);
  if (target?.origin !== url.origin) return undefined;
  const [, rest] = target.pathname.split(`/v2/${repository}/`);
  return rest === undefined ? undefined : `${rest}${target.search}`;
};

const schema1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/** `expected` is the digest it was asked for by; a tag's is what the registry says it is. @throws UpstreamError `invalid` */
export const manifestOf = (
  answer: RegistryAnswer,
  bytes: Uint8Array,
  expected: Digest | undefined,
): UpstreamManifest => {
  const { url, headers } = answer;
  const sent = ([headers['content-type'] ?? ''].flat()[0] ?? '').split(';', 1)[0]?.trim() ?? '';
  const fields = fieldsOf(bytes);
  if (schema1.test(sent) || fields?.['schemaVersion'] === 1)
    throw new UpstreamError(
      'invalid',
      `${url.host}: the manifest is of Docker schema 1, which is not supported; push the image again with a current client`,
    );
  const promised = expected ?? digestHeader(answer);
  const algorithm = promised ? digestAlgorithm(promised) : 'sha256';
  const digest = digestOf(algorithm, hash(algorithm, bytes, 'buffer'));
  if (promised !== undefined && promised !== digest)
    throw new UpstreamError('invalid', `${url.host}: the manifest has the digest ${digest} instead of ${promised}`);
  if (!fields) throw new UpstreamError('invalid', `${url.host}: what it sent as a manifest is no JSON object`);
  return { digest, mediaType: isManifestType(sent) ? sent : typeOf(fields), bytes };
};

/** What storage says of a file it knows nothing of is not the manifest's type. */
const isManifestType = (type: string): boolean =>
  /^[\x21-\x7e]{1,255}$/.test(type) && !/^(?:text\/|application\/(?:json|octet-stream)$)/.test(type);

/** By itself, or by its shape: a manifest without a type of its own is OCI's. */
const typeOf = ({ mediaType, manifests }: Record<string, unknown>): string => {
  if (typeof mediaType === 'string' && isManifestType(mediaType)) return mediaType;
  return `application/vnd.oci.image.${Array.isArray(manifests) ? 'index' : 'manifest'}.v1+json`;
};

const fieldsOf = (bytes: Uint8Array): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
};

/** @throws UpstreamError `invalid` when what comes does not begin at `offset` */
export const blobOf = (answer: RegistryAnswer, offset: number): UpstreamBlob => {
  const { statusCode, headers, url } = answer;
  const refuse = (reason: string): never => {
    void dropBody(answer);
    throw new UpstreamError('invalid', `${url.host}: ${reason}`);
  };
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity')
    return refuse('a blob came with a Content-Encoding, which would change its bytes');
  if (statusCode === 206) {
    const range = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15}|\*)$/.exec(String(headers['content-range'] ?? ''));
    if (!range || Number(range[1]) !== offset)
      return refuse(
        `asked for bytes from ${offset} on, it sent Content-Range ${JSON.stringify(headers['content-range'] ?? null)}`,
      );
    return { size: range[2] === '*' ? undefined : Number(range[2]), chunks: chunksOf(answer, 0) };
  }
  if (statusCode !== 200) return refuse(`status ${statusCode} for a blob`);
  const length = Number(headers['content-length'] ?? Number.NaN);
  // Range is optional for a registry: what is known already passes by.
  return { size: Number.isSafeInteger(length) ? length : undefined, chunks: chunksOf(answer, offset) };
};

const chunksOf = async function* ({ url, body }: RegistryAnswer, skip: number): AsyncGenerator<Uint8Array> {
  let left = skip;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      const part = chunk.subarray(Math.min(left, chunk.length));
      left -= chunk.length - part.length;
      if (part.length > 0) yield part;
    }
  } catch (error) {
    throw brokenConnection(url, error);
  }
};
