import { type Digest, type ManifestReference, OciError, type RepositoryName, ShoalError } from '@shoal/core';
import {
  type BlobSource,
  bodiless,
  parseUpstreamName,
  type ReadContext,
  type ReadRegistry,
  requestedRepository,
  type ServedManifest,
  type ServedReferrers,
  type TagPage,
} from '@shoal/registry';
import type { Manifests } from '../manifests/manifests.ts';
import type { Origins } from '../origin/origins.ts';
import { FirstByteDeadline } from '../pull/deadline.ts';
import type { Pulls } from '../pull/pulls.ts';
import type { ReferrersResolver } from '../referrers/referrers-resolver.ts';

/** What the agent answers to container runtimes: content from the swarm, lists from the origin. */
export class AgentRegistry implements ReadRegistry {
  readonly #manifests: Manifests;
  readonly #pulls: Pick<Pulls, 'open' | 'size'>;
  readonly #origins: Origins;
  readonly #referrers: Pick<ReferrersResolver, 'resolve'>;
  readonly #firstByteMs: number;
  readonly #isOwnName: (host: string) => boolean;
  readonly #passCredentials: boolean;
  readonly #orphaned: (repository: RepositoryName) => boolean;

  constructor(o: {
    manifests: Manifests;
    pulls: Pick<Pulls, 'open' | 'size'>;
    origins: Origins;
    referrers: Pick<ReferrersResolver, 'resolve'>;
    /** Deadline of every answer that is more than a piece of a body. */
    firstByteMs: number;
    /** Whether a host is a name of the cluster's own registry. */
    isOwnName: (host: string) => boolean;
    /** Whether clients' credentials go to the origin with questions about its own repositories. */
    passCredentials: boolean;
    /** Whether neither an origin nor the repository's own registry can be asked for what no peer has. */
    orphaned: (repository: RepositoryName) => boolean;
  }) {
    this.#manifests = o.manifests;
    this.#pulls = o.pulls;
    this.#origins = o.origins;
    this.#referrers = o.referrers;
    this.#firstByteMs = o.firstByteMs;
    this.#isOwnName = o.isOwnName;
    this.#passCredentials = o.passCredentials;
    this.#orphaned = o.orphaned;
  }

  async manifest(
    requested: RepositoryName,
    reference: ManifestReference,
    context: ReadContext,
  ): Promise<ServedManifest> {
    const repository = this.nameOf(requested, context.upstream);
    const served = await this.#manifest(repository, reference, context);
    // Who only asks by HEAD has not chosen this mirror yet.
    if (context.method === 'GET' && this.#orphaned(repository))
      await this.#inTime(`${repository}, its blobs`, (deadline) =>
        this.#manifests.assertObtainable(repository, served, AbortSignal.any([context.signal, deadline.signal])),
      );
    return served;
  }

  async #manifest(
    repository: RepositoryName,
    reference: ManifestReference,
    context: ReadContext,
  ): Promise<ServedManifest> {
    const atHand = reference.kind === 'digest' ? this.#manifests.atHand(repository, reference.digest) : undefined;
    if (atHand) return atHand;
    return this.#inTime(`${repository}, manifest`, (deadline) => {
      const ended = () => AbortSignal.any([context.signal, deadline.signal]);
      return reference.kind === 'tag'
        ? this.#manifests.byTag(repository, reference.tag, context.method, ended)
        : this.#manifests.byDigest(repository, reference.digest, ended);
    });
  }

  async blob(
    requested: RepositoryName,
    digest: Digest,
    { method, upstream }: Pick<ReadContext, 'method' | 'upstream'>,
  ): Promise<BlobSource> {
    const repository = this.nameOf(requested, upstream);
    // Whoever only asks whether a blob is there does not start its download.
    return method === 'HEAD'
      ? bodiless(await this.#inTime(digest, () => this.#pulls.size(repository, digest)))
      : this.#pulls.open(repository, digest);
  }

  async tags(
    requested: RepositoryName,
    page: { limit: number | undefined; last: string | undefined },
    { upstream, authorization }: ReadContext,
  ): Promise<TagPage> {
    const repository = this.nameOf(requested, upstream);
    const { limit, last } = page;
    const query = new URLSearchParams({
      ...(limit !== undefined && { n: String(limit) }),
      ...(last !== undefined && { last }),
    });
    const { body, more } = await this.#relay(`/v2/${repository}/tags/list?${query}`, repository, authorization);
    const { tags } = JSON.parse(Buffer.from(body).toString()) as { tags?: unknown };
    return { tags: Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [], more };
  }

  async referrers(
    requested: RepositoryName,
    subject: Digest,
    { upstream }: Pick<ReadContext, 'upstream'>,
  ): Promise<ServedReferrers> {
    const repository = this.nameOf(requested, upstream);
    return this.#inTime(`${repository}, referrers`, () => this.#referrers.resolve(repository, subject));
  }

  /** The name that the whole cluster uses; `upstream` is containerd's `ns`. */
  nameOf(requested: RepositoryName, upstream: string | undefined): RepositoryName {
    return requestedRepository(requested, upstream, this.#isOwnName);
  }

  /** One deadline over all the steps, however many origins, trackers and peers hang. @throws ShoalError UNAVAILABLE (503) */
  async #inTime<T>(what: string, work: (deadline: FirstByteDeadline) => Promise<T>): Promise<T> {
    const deadline = new FirstByteDeadline(this.#firstByteMs, what);
    try {
      return await deadline.race(work(deadline));
    } finally {
      deadline.met();
    }
  }

  async #relay(
    path: string,
    repository: RepositoryName,
    authorization: string | undefined,
  ): Promise<{ body: Uint8Array; more: boolean }> {
    // What a client brings for another registry is not for the origin.
    const passed = this.#passCredentials && !parseUpstreamName(repository) ? authorization : undefined;
    const answer = await this.#inTime(path, () =>
      this.#origins.ask((client) => client.registry(path, repository, passed)),
    );
    if (answer.kind === 'absent')
      throw new OciError('NAME_UNKNOWN', `repository ${repository} is not known at the origin`);
    if (answer.kind === 'unreachable') throw new ShoalError('UNAVAILABLE', 503, `no origin answered: ${answer.reason}`);
    if (answer.value.status === 200) return answer.value;
    throw new ShoalError('UNAVAILABLE', 503, `the origin refused the list with status ${answer.value.status}`);
  }
}
