import { type Digest, OciError, type RepositoryName } from '@shoal/core';
import { Lru, SingleFlight, UpstreamError, upstreamReferrers } from '@shoal/registry';
import type { UpstreamRepository, UpstreamSet } from '@shoal/upstreams';
import type { UpstreamEvents } from './upstream-events.ts';

/** What refers to a subject, and when that was so. */
export interface KnownReferrers {
  readonly manifests: readonly unknown[];
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  /** The upstream could not be asked whether there are others by now. */
  readonly stale: boolean;
}

interface Kept {
  readonly manifests: readonly unknown[];
  readonly timeMs: number;
  /** Of the clock that never goes back. */
  readonly askedMs: number;
}

export interface UpstreamReferrersOptions {
  readonly upstreams: UpstreamSet;
  readonly events: UpstreamEvents;
  /** Milliseconds that never go back. */
  readonly clock: () => number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** Answers that are kept in memory, and descriptors in each. */
const keptMax = 2_000;
const keptDescriptorsMax = 100;
const flightsMax = 10_000;

/**
 * Referrers in repositories of upstreams. An answer is good for as long as that about a tag, and is served, marked as stale,
 * for as long as its registry does not answer; without one nobody is told that there are none.
 */
export class UpstreamReferrers {
  readonly #o: UpstreamReferrersOptions;
  readonly #now: () => number;
  readonly #kept = new Lru<string, Kept>({ sizeMax: keptMax });
  readonly #flights = new SingleFlight<KnownReferrers>({ keysMax: flightsMax });

  constructor(options: UpstreamReferrersOptions) {
    this.#o = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * Undefined for a repository of the origin itself.
   * @throws OciError NAME_UNKNOWN (404) where the registry does not let us look; UpstreamError (502) when it does not answer
   */
  async find(name: RepositoryName, subject: Digest): Promise<KnownReferrers | undefined> {
    const from = this.#o.upstreams.find(name);
    return from && this.#flights.run(`${name}@${subject}`, () => this.#ask(from, name, subject));
  }

  async #ask(from: UpstreamRepository, name: RepositoryName, subject: Digest): Promise<KnownReferrers> {
    const { clock, events } = this.#o;
    const key = `${name}@${subject}`;
    const kept = this.#kept.get(key);
    if (kept && clock() - kept.askedMs < from.tagRevalidateMs) return { ...kept, stale: false };
    try {
      const [askedMs, timeMs] = [clock(), this.#now()];
      const hurried = kept !== undefined;
      const manifests = await upstreamReferrers(from.upstream, from.repository, subject, { hurried });
      if (manifests.length <= keptDescriptorsMax) this.#kept.set(key, { manifests, timeMs, askedMs });
      return { manifests, timeMs, stale: false };
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      events.failed(from.label, error);
      if (!error.passing) throw new OciError('NAME_UNKNOWN', `the referrers in ${name}: ${error.message}`);
      if (!kept) throw error;
      events.referrersStale(from.label, name, subject);
      return { ...kept, stale: true };
    }
  }
}
