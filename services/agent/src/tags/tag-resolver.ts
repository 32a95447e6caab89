import { OciError, type RepositoryName, ShoalError, type SignedTagRecord, type Tag } from '@shoal/core';
import type { OriginAnswer } from '../origin/answer.ts';
import { within } from '../origin/hedge.ts';
import type { TagAnswer } from '../origin/origin-client.ts';
import { Coalescer } from './coalescer.ts';
import type { TagVerdict } from './monotonic.ts';
import type { TagBook } from './tag-book.ts';

/** Tags that may be in the course of resolution at once. */
const resolvingMax = 1024;

export interface TagSources {
  /** One revalidation at the origins, within its own deadline; it never rejects. */
  askOrigins(repository: RepositoryName, tag: Tag): Promise<OriginAnswer<TagAnswer>>;
  /** Encoded records of all peers that answer in time; anything may be in them. It never rejects. */
  askPeers(repository: RepositoryName, tag: Tag): Promise<Uint8Array[]>;
}

export interface TagEvents {
  tagRefused(repository: string, tag: string, from: 'origin' | 'peer', verdict: TagVerdict | 'unverified'): void;
  tagStale(repository: string, tag: string, reason: string): void;
  /** This node holds a record: peers may come for it. */
  tagKept(signed: SignedTagRecord): void;
  tagForgotten(repository: RepositoryName, tag: Tag): void;
}

export interface ResolvedTag {
  readonly signed: SignedTagRecord;
  /** Set when no origin could be asked, or the origin could not ask the upstream: why the answer may be old. */
  readonly staleBecause: string | undefined;
}

/** Tag to digest: revalidated at an origin on every request, from this node's or a peer's signed record when none answers. */
export class TagResolver {
  readonly #coalescer = new Coalescer<ResolvedTag>({ keysMax: resolvingMax });
  readonly #book: TagBook;
  readonly #sources: TagSources;
  readonly #events: TagEvents;

  constructor(o: { book: TagBook; sources: TagSources; events: TagEvents }) {
    this.#book = o.book;
    this.#sources = o.sources;
    this.#events = o.events;
  }

  /** @throws OciError MANIFEST_UNKNOWN (404); ShoalError UNAVAILABLE (503) when nobody who knows could be asked */
  resolve(repository: RepositoryName, tag: Tag): Promise<ResolvedTag> {
    return this.#coalescer.run(`${repository}:${tag}`, () => this.#revalidate(repository, tag));
  }

  async #revalidate(repository: RepositoryName, tag: Tag): Promise<ResolvedTag> {
    const asking = this.#sources.askOrigins(repository, tag);
    const peers = (await within(asking)) === undefined ? this.#sources.askPeers(repository, tag) : undefined;
    const answer = await asking;
    if (answer.kind === 'absent') {
      if (this.#book.forget(repository, tag)) this.#events.tagForgotten(repository, tag);
      const why = answer.reason === undefined ? '' : `: ${answer.reason}`;
      throw new OciError('MANIFEST_UNKNOWN', `${repository}:${tag} is not known at the origin${why}`, {
        detail: { repository, tag },
      });
    }
    if (answer.kind === 'unreachable') return this.#fromPeers(repository, tag, answer.reason, peers);
    const signed = this.#book.parse(repository, tag, answer.value.bytes);
    const verdict = signed ? this.#book.offer(signed, 'origin') : 'unverified';
    if (signed && (verdict === 'newer' || verdict === 'same')) {
      this.#events.tagKept(signed);
      if (!answer.value.stale) return { signed, staleBecause: undefined };
      const reason = 'the upstream registry did not answer the origin';
      this.#events.tagStale(repository, tag, reason);
      return { signed, staleBecause: reason };
    }
    this.#events.tagRefused(repository, tag, 'origin', verdict);
    return this.#fromPeers(repository, tag, `the record of ${answer.origin} was refused: ${verdict}`, peers);
  }

  /** `asked` holds the peers' answers when they were asked already, because the origin took long. */
  async #fromPeers(
    repository: RepositoryName,
    tag: Tag,
    reason: string,
    asked = this.#sources.askPeers(repository, tag),
  ): Promise<ResolvedTag> {
    for (const bytes of await asked) {
      const signed = this.#book.parse(repository, tag, bytes);
      const verdict = signed ? this.#book.offer(signed, 'peer') : 'unverified';
      if (verdict !== 'newer' && verdict !== 'same') this.#events.tagRefused(repository, tag, 'peer', verdict);
    }
    const signed = this.#book.known(repository, tag);
    if (!signed)
      throw new ShoalError(
        'UNAVAILABLE',
        503,
        `${repository}:${tag} cannot be resolved: ${reason}, and no peer has a signed record of it`,
      );
    this.#events.tagKept(signed);
    this.#events.tagStale(repository, tag, reason);
    return { signed, staleBecause: reason };
  }
}
