import { type RepositoryName, ShoalError } from '@shoal/core';
import type { Content } from '../content.ts';
import type { Manifests } from '../manifest/manifests.ts';
import { collectRepository } from './collect-repository.ts';
import type { GcRequest, GcState } from './schema.ts';
import { Tally } from './tally.ts';

export interface CollectorOptions {
  readonly content: Content;
  readonly manifests: Manifests;
  /** Whether a repository is one of an upstream: what is in it has rules of its own. */
  readonly isUpstream: (name: RepositoryName) => boolean;
  /** How long what nobody reaches is kept, for the pushes that are under way. */
  readonly graceMs: number;
  readonly untagged: boolean;
  /** Between runs without anybody asking; 0: none. */
  readonly intervalMs: number;
  readonly events: { gcEnded(state: GcState): void };
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

const problemsMax = 100;

/** Garbage collection: removes blobs that no manifest reaches, one run at a time. */
export class Collector implements AsyncDisposable {
  readonly #o: CollectorOptions;
  readonly #stop = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #state: GcState | undefined;
  #live: (() => GcState) | undefined;

  constructor(options: CollectorOptions) {
    this.#o = options;
    if (options.intervalMs === 0) return;
    this.#timer = setInterval(() => {
      if (!this.#live) this.start();
    }, options.intervalMs);
    this.#timer.unref();
  }

  /** Of the run that is under way, or of the last one since the start of the process. */
  get state(): GcState | undefined {
    return this.#live?.() ?? this.#state;
  }

  /** Begins a run. @throws ShoalError GC_RUNNING */
  start(request: GcRequest = {}): GcState {
    if (this.#live)
      throw new ShoalError('GC_RUNNING', 409, 'a run is under way; ask for its state, and again when it has ended');
    const { dryRun = false, untagged = this.#o.untagged, graceMs = this.#o.graceMs } = request;
    const tally = new Tally();
    const startedMs = this.#o.clock();
    const stateAs = (state: GcState['state'], endedMs: number | null, failure: string | null): GcState => {
      const { repositories, blobs, manifests, young, freedBytes, freedCount, digests, problems } = tally;
      const figures = { repositories, blobs, manifests, young, freedBytes, freedCount, digests, problems };
      return { state, dryRun, untagged, graceMs, startedMs, endedMs, ...figures, failure };
    };
    this.#live = () => stateAs('running', null, null);
    this.#running = this.#run({ dryRun, untagged, beforeMs: startedMs - graceMs }, tally).then(
      () => this.#ended(stateAs('done', this.#o.clock(), null)),
      (error: unknown) => this.#ended(stateAs('failed', this.#o.clock(), (error as Error).message)),
    );
    return this.#live();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort(new Error('the process stops'));
    await this.#running;
  }

  #ended(state: GcState): void {
    this.#live = undefined;
    this.#state = state;
    this.#o.events.gcEnded(state);
  }

  async #run(how: { dryRun: boolean; untagged: boolean; beforeMs: number }, tally: Tally): Promise<void> {
    const { content, manifests, isUpstream } = this.#o;
    const { signal } = this.#stop;
    for (const repository of [...content.catalog.all()]) {
      signal.throwIfAborted();
      if (isUpstream(repository.name)) continue;
      tally.repositories++;
      try {
        await collectRepository(repository, { content, manifests, tally, signal, ...how });
      } catch (error) {
        signal.throwIfAborted();
        // One repository that cannot be read keeps what it has, and does not keep others from being collected.
        if (tally.problems.length < problemsMax) tally.problems.push(`${repository.name}: ${(error as Error).message}`);
      }
    }
    tally.settle((digest) => content.catalog.linkCount(digest));
    if (!how.dryRun) await content.deleteUnlinked();
  }
}
