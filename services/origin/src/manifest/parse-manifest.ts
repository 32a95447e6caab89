import { type Digest, OciError, parseDigest } from '@shoal/core';

/** A descriptor inside a manifest. Source: OCI Image Specification v1.1, descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  /** The content is fetched from elsewhere and need not be in the registry. */
  readonly nonDistributable: boolean;
}

export interface ParsedManifest {
  readonly mediaType: string;
  /** What the manifest is for, as the referrers list shows it. */
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly subject: Descriptor | undefined;
  /** Config and layers. */
  readonly blobs: readonly Descriptor[];
  /** Manifests of an index. */
  readonly manifests: readonly Descriptor[];
}

const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const indexTypes = new Set([
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
]);
const imageTypes = new Set([ociManifest, 'application/vnd.docker.distribution.manifest.v2+json']);
const schema1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/;

/** More descriptors in one manifest are refused: each is looked up before the push is accepted. */
const descriptorsMax = 10_000;

/**
 * Reads what the registry must know of a manifest; everything else in it is kept byte for byte and not looked at.
 * A media type of its own is accepted as long as the manifest is a JSON object.
 * @throws OciError MANIFEST_INVALID
 */
export const parseManifest = (bytes: Uint8Array, contentType: string | undefined): ParsedManifest => {
  const json = parseObject(bytes);
  const inBody = optionalText(json, 'mediaType');
  const sent = contentType?.split(';', 1)[0]?.trim() || undefined;
  if (sent !== undefined && inBody !== undefined && sent !== inBody) {
    throw invalid(`Content-Type is ${sent} and mediaType is ${inBody}; both must be the same`);
  }
  const mediaType = sent ?? inBody ?? ociManifest;
  if (schema1.test(mediaType) || json['schemaVersion'] === 1)
    throw invalid('Docker image manifests of schema 1 are not supported');
  // One document must not be an image to one client and an index to another (CVE-2021-41190).
  if (imageTypes.has(mediaType) && json['manifests'] !== undefined)
    throw invalid('an image manifest with a "manifests" list is ambiguous');
  if (indexTypes.has(mediaType) && (json['layers'] !== undefined || json['config'] !== undefined))
    throw invalid('an index with "config" or "layers" is ambiguous');
  if (imageTypes.has(mediaType) && json['config'] === undefined) throw invalid('config: an image manifest needs one');
  if (indexTypes.has(mediaType) && !Array.isArray(json['manifests']))
    throw invalid('manifests: an index needs a list of them');
  const config = json['config'] === undefined ? undefined : descriptor('config', json['config']);
  return {
    mediaType,
    artifactType: optionalText(json, 'artifactType') ?? config?.mediaType,
    annotations: annotationsOf(json['annotations']),
    subject:
      json['subject'] === undefined || json['subject'] === null ? undefined : descriptor('subject', json['subject']),
    blobs: [
      ...(config ? [config] : []),
      ...descriptors('layers', json['layers']),
      ...descriptors('blobs', json['blobs']),
    ],
    manifests: descriptors('manifests', json['manifests']),
  };
};

const parseObject = (bytes: Uint8Array): Record<string, unknown> => {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw invalid('the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('the body is not a JSON object');
  return value as Record<string, unknown>;
};

const descriptors = (field: string, raw: unknown): Descriptor[] => {
  if (raw === undefined || raw === null) return [];
  if (!Array.isArray(raw)) throw invalid(`${field}: allowed is a list of descriptors`);
  if (raw.length > descriptorsMax)
    throw invalid(`${field}: ${raw.length} entries are not allowed; at most ${descriptorsMax} are`);
  return raw.map((entry, index) => descriptor(`${field}[${index}]`, entry));
};

const descriptor = (field: string, raw: unknown): Descriptor => {
  const { mediaType, digest, size, urls } = (typeof raw === 'object' && raw !== null ? raw : {}) as Record<
    string,
    unknown
  >;
  if (typeof digest !== 'string') throw invalid(`${field}.digest: a descriptor needs one`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw invalid(`${field}.size: allowed is a number of bytes`);
  if (mediaType !== undefined && typeof mediaType !== 'string') throw invalid(`${field}.mediaType: allowed is text`);
  const type = mediaType ?? '';
  const elsewhere = /\.nondistributable\.|\.foreign\./.test(type) || (Array.isArray(urls) && urls.length > 0);
  return { mediaType: type, digest: digestOf(field, digest), size, nonDistributable: elsewhere };
};

const digestOf = (field: string, raw: string): Digest => {
  try {
    return parseDigest(raw);
  } catch (cause) {
    throw new OciError('MANIFEST_INVALID', `${field}.${(cause as Error).message}`, { cause });
  }
};

const annotationsOf = (raw: unknown): Record<string, string> | undefined => {
  if (raw === undefined || raw === null) return undefined;
  const valid =
    typeof raw === 'object' && !Array.isArray(raw) && Object.values(raw).every((value) => typeof value === 'string');
  if (!valid) throw invalid('annotations: allowed is a map of text to text');
  return raw as Record<string, string>;
};

const optionalText = (json: Record<string, unknown>, field: string): string | undefined => {
  const value = json[field];
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw invalid(`${field}: allowed is text`);
  return value;
};

const invalid = (message: string): OciError => new OciError('MANIFEST_INVALID', message);
