import { OciError, type RepositoryName } from '@shoal/core';
import { type TagPage, UpstreamError } from '@shoal/registry';
import type { UpstreamEvents } from './upstream-events.ts';
import type { UpstreamRepository, UpstreamSet } from '@shoal/upstreams';

const tagsPerPage = 10_000;

/** Lists of upstream repositories: they change at any time and are asked for seldom, so nothing of them is kept. */
export class UpstreamLists {
  readonly #upstreams: UpstreamSet;
  readonly #events: UpstreamEvents;

  constructor(o: { upstreams: UpstreamSet; events: UpstreamEvents }) {
    this.#upstreams = o.upstreams;
    this.#events = o.events;
  }

  /** Undefined for a repository of the origin itself, and while the upstream does not answer. @throws OciError NAME_UNKNOWN */
  async tags(
    name: RepositoryName,
    page: { limit: number | undefined; last: string | undefined },
  ): Promise<TagPage | undefined> {
    const { limit = tagsPerPage, last } = page;
    const query = new URLSearchParams({ n: String(limit), ...(last !== undefined && { last }) });
    const answer = await this.#ask(name, (from) => from.upstream.list(from.repository, `tags/list?${query}`));
    if (answer === 'absent') throw new OciError('NAME_UNKNOWN', `repository ${name} is not known to its registry`);
    if (!answer) return undefined;
    const tags = listOf(answer.bytes, 'tags').filter((tag) => typeof tag === 'string');
    return { tags, more: answer.more && tags.length > 0 };
  }

  async #ask<T>(
    name: RepositoryName,
    ask: (from: UpstreamRepository) => Promise<T>,
  ): Promise<T | 'absent' | undefined> {
    const from = this.#upstreams.find(name);
    if (!from) return undefined;
    try {
      return await ask(from);
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      this.#events.failed(from.label, error);
      return error.passing ? undefined : 'absent';
    }
  }
}

const listOf = (bytes: Uint8Array, field: string): unknown[] => {
  try {
    const list = (JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown> | null)?.[field];
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
};
