import { type Digest, isDigest } from './digest.ts';
import { InvalidValueError } from './errors.ts';
import { parseRepositoryName, parseTag, type RepositoryName, type Tag } from './reference.ts';
import { parseSignatures, type Signature } from './signature.ts';

/** What a tag of a repository pointed at, as an origin signed it. A higher version is newer. */
export interface TagRecord {
  readonly repository: RepositoryName;
  readonly tag: Tag;
  readonly digest: Digest;
  readonly mediaType: string;
  /** Size of the manifest, in bytes. */
  readonly size: number;
  readonly version: number;
  /** Milliseconds since the epoch, of the origin's clock. */
  readonly timeMs: number;
}

export interface SignedTagRecord {
  readonly record: TagRecord;
  readonly signatures: readonly Signature[];
}

export const tagStatement = (tag: TagRecord): Uint8Array =>
  new TextEncoder().encode(
    `shoal-tag-v1\n${tag.repository}\n${tag.tag}\n${tag.digest}\n${tag.mediaType}\n${tag.size}\n${tag.version}\n${tag.timeMs}\n`,
  );

export const encodeTagRecord = (signed: SignedTagRecord): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ formatVersion: 1, ...signed.record, signatures: signed.signatures }));

/** @throws InvalidValueError or OciError: whatever part is malformed */
export const decodeTagRecord = (bytes: Uint8Array): SignedTagRecord => {
  let raw: Record<string, unknown>;
  try {
    raw = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>;
  } catch {
    throw new InvalidValueError('tag record', `${bytes.length} bytes`, 'a JSON object');
  }
  if (raw?.['formatVersion'] !== 1)
    throw new InvalidValueError('tag record.formatVersion', raw?.['formatVersion'], 'allowed is 1');
  const digest = text('digest', raw['digest']);
  if (!isDigest(digest)) throw new InvalidValueError('tag record.digest', digest, 'a digest');
  const mediaType = text('mediaType', raw['mediaType']);
  if (!/^[\x21-\x7e]{1,255}$/.test(mediaType))
    throw new InvalidValueError('tag record.mediaType', mediaType, 'up to 255 visible ASCII characters');
  return {
    record: {
      repository: parseRepositoryName(text('repository', raw['repository'])),
      tag: parseTag(text('tag', raw['tag'])),
      digest,
      mediaType,
      size: count('size', raw['size']),
      version: count('version', raw['version']),
      timeMs: count('timeMs', raw['timeMs']),
    },
    signatures: parseSignatures(raw['signatures']),
  };
};

const text = (field: string, value: unknown): string => {
  if (typeof value !== 'string') throw new InvalidValueError(`tag record.${field}`, value, 'a text');
  return value;
};

const count = (field: string, value: unknown): number => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidValueError(`tag record.${field}`, value, 'a whole number');
  return value;
};
