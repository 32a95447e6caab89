import { type Digest, digestAlgorithm, digestHex, parseDigest } from './digest.ts';
import { InvalidValueError } from './errors.ts';
import { parseRepositoryName, parseTag, type RepositoryName, type Tag } from './reference.ts';
import { parseSignatures, type Signature } from './signature.ts';

/** Which manifests of a repository refer to a subject, as an origin signed it. A later one is newer. */
export interface ReferrersRecord {
  readonly repository: RepositoryName;
  readonly subject: Digest;
  /** The OCI index of all of them, as JSON. */
  readonly index: string;
  /** Milliseconds since the epoch, of the origin's clock: when this was so. */
  readonly timeMs: number;
}

export interface SignedReferrersRecord {
  readonly record: ReferrersRecord;
  readonly signatures: readonly Signature[];
}

export const referrersStatement = ({ repository, subject, timeMs, index }: ReferrersRecord): Uint8Array =>
  new TextEncoder().encode(`shoal-referrers-v1\n${repository}\n${subject}\n${timeMs}\n${index}\n`);

/**
 * The tag under which registries without the referrers API have the index of a subject.
 * Source: OCI Distribution Specification v1.1, "Referrers Tag Schema".
 */
export const referrersTag = (subject: Digest): Tag =>
  parseTag(`${digestAlgorithm(subject)}-${digestHex(subject).slice(0, 64)}`);

/** The record is kept, asked for and found as one of this tag would be, which differs from every subject's own. */
export const referrersKey = (subject: Digest): Tag => parseTag(`referrers.${referrersTag(subject)}`);

export const encodeReferrersRecord = ({ record, signatures }: SignedReferrersRecord): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ formatVersion: 1, ...record, signatures }));

/** @throws InvalidValueError or OciError: whatever part is malformed */
export const decodeReferrersRecord = (bytes: Uint8Array): SignedReferrersRecord => {
  const raw = objectOf(bytes);
  const { formatVersion, repository, subject, index, timeMs } = raw;
  const refuse = (field: string, value: unknown, allowed: string): never => {
    throw new InvalidValueError(`referrers record.${field}`, value, allowed);
  };
  if (formatVersion !== 1) return refuse('formatVersion', formatVersion, 'allowed is 1');
  if (typeof repository !== 'string') return refuse('repository', repository, 'a text');
  if (typeof subject !== 'string') return refuse('subject', subject, 'a text');
  if (typeof index !== 'string') return refuse('index', index, 'a text');
  if (typeof timeMs !== 'number' || !Number.isSafeInteger(timeMs) || timeMs < 0)
    return refuse('timeMs', timeMs, 'a whole number');
  return {
    record: { repository: parseRepositoryName(repository), subject: parseDigest(subject), index, timeMs },
    signatures: parseSignatures(raw['signatures']),
  };
};

const objectOf = (bytes: Uint8Array): Record<string, unknown> => {
  try {
    const raw: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof raw === 'object' && raw !== null) return raw as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new InvalidValueError('referrers record', `${bytes.length} bytes`, 'a JSON object');
};
