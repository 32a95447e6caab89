import { type Digest, OciError, type RepositoryName, ShoalError, type SignedReferrersRecord } from '@shoal/core';
import { decodeReferrers, type ServedReferrers } from '@shoal/registry';
import type { OriginAnswer } from '../origin/answer.ts';
import { within } from '../origin/hedge.ts';
import type { TagAnswer } from '../origin/origin-client.ts';
import { Coalescer } from '../tags/coalescer.ts';
import type { ReferrersBook } from './referrers-book.ts';

const askingMax = 1024;

export interface ReferrersSources {
  /** Within its own deadline; it never rejects. */
  askOrigins(repository: RepositoryName, subject: Digest): Promise<OriginAnswer<TagAnswer>>;
  /** Encoded records of all peers that answer in time; anything may be in them. It never rejects. */
  askPeers(repository: RepositoryName, subject: Digest): Promise<Uint8Array[]>;
  /** The descriptors, by the word of the repository's own registry; undefined where it may not be asked, or does not answer. */
  askRegistry(repository: RepositoryName, subject: Digest): Promise<unknown[] | undefined>;
}

export interface ReferrersEvents {
  /** This node holds a record: peers may come for it. */
  referrersKept(signed: SignedReferrersRecord): void;
  referrersStale(repository: string, subject: string, reason: string): void;
  referrersRefused(repository: string, subject: string, from: 'origin' | 'peer'): void;
}

/** Source: RFC 9111, section 5.5. */
const warnings = {
  stale: '110 - "nobody could be asked whether there are other referrers by now"',
  registry: '111 - "no origin answers; the registry of the image was asked"',
} as const;

/**
 * What refers to a manifest: an origin's word at every request; while none answers that of the registry itself where it may
 * be asked, else the newest that this node or a peer has heard of an origin. That there is nothing is only said where
 * somebody who knows has said so.
 */
export class ReferrersResolver {
  readonly #coalescer = new Coalescer<ServedReferrers>({ keysMax: askingMax });
  readonly #book: ReferrersBook;
  readonly #sources: ReferrersSources;
  readonly #events: ReferrersEvents;

  constructor(o: { book: ReferrersBook; sources: ReferrersSources; events: ReferrersEvents }) {
    this.#book = o.book;
    this.#sources = o.sources;
    this.#events = o.events;
  }

  /** @throws OciError NAME_UNKNOWN (404); ShoalError UNAVAILABLE (503) when nobody who knows could be asked */
  resolve(repository: RepositoryName, subject: Digest): Promise<ServedReferrers> {
    return this.#coalescer.run(`${repository}@${subject}`, () => this.#ask(repository, subject));
  }

  async #ask(repository: RepositoryName, subject: Digest): Promise<ServedReferrers> {
    const asking = this.#sources.askOrigins(repository, subject);
    const peers = (await within(asking)) === undefined ? this.#sources.askPeers(repository, subject) : undefined;
    const answer = await asking;
    if (answer.kind === 'absent') {
      const why = answer.reason === undefined ? '' : `: ${answer.reason}`;
      throw new OciError('NAME_UNKNOWN', `repository ${repository} is not known at the origin${why}`);
    }
    if (answer.kind === 'unreachable') return this.#fromElsewhere(repository, subject, answer.reason, peers);
    const signed = this.#book.parse(repository, subject, answer.value.bytes);
    if (!signed) {
      this.#events.referrersRefused(repository, subject, 'origin');
      return this.#fromElsewhere(repository, subject, `${answer.origin} is not trusted`, peers);
    }
    const newest = this.#book.offer(signed);
    this.#events.referrersKept(newest);
    // Of two origins one may have asked the registry more lately than the other could.
    return answer.value.stale ? served(newest, warnings.stale) : served(signed);
  }

  async #fromElsewhere(
    repository: RepositoryName,
    subject: Digest,
    reason: string,
    asked: Promise<Uint8Array[]> | undefined,
  ): Promise<ServedReferrers> {
    const told = await this.#sources.askRegistry(repository, subject);
    if (told) return { manifests: told, headers: { warning: warnings.registry } };
    for (const bytes of await (asked ?? this.#sources.askPeers(repository, subject))) {
      const signed = this.#book.parse(repository, subject, bytes);
      if (signed) this.#book.offer(signed);
      else this.#events.referrersRefused(repository, subject, 'peer');
    }
    const known = this.#book.known(repository, subject);
    if (!known)
      throw new ShoalError(
        'UNAVAILABLE',
        503,
        `what refers to ${repository}@${subject} is not known: ${reason}, and no peer has a signed record of it`,
      );
    this.#events.referrersKept(known);
    this.#events.referrersStale(repository, subject, reason);
    return served(known, warnings.stale);
  }
}

const served = ({ record }: SignedReferrersRecord, warning?: string): ServedReferrers => ({
  manifests: decodeReferrers(record.index),
  ...(warning !== undefined && { headers: { warning } }),
});
