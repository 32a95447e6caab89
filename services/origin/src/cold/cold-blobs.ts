import { type Digest, type RepositoryName, ShoalError } from '@shoal/core';
import { SingleFlight } from '@shoal/registry';
import type { OriginEvents } from '../events.ts';
import { ColdBlob, type ColdBlobOptions } from './cold-blob.ts';
import type { ColdEntry, ColdProvider, ColdSource, Reservation } from './cold-source.ts';

export interface ColdBlobsOptions extends Omit<ColdBlobOptions, 'stop' | 'bytesReceived'> {
  /** Blobs fetched at once; more are refused. */
  readonly activeMax: number;
  /** Makes room for a blob. @throws StoreFullError */
  readonly reserve: (repository: RepositoryName, size: number | undefined) => Promise<Reservation | undefined>;
  readonly events: Pick<OriginEvents, 'coldReceived' | 'coldStarted' | 'coldStored' | 'coldFailed'>;
}

const questionsMax = 10_000;

/** A reservation that goes to the fetch it was made for, or is given back. */
class Room implements Disposable {
  #reservation: Reservation | undefined;

  constructor(reservation: Reservation) {
    this.#reservation = reservation;
  }

  move(): Reservation | undefined {
    const moved = this.#reservation;
    this.#reservation = undefined;
    return moved;
  }

  [Symbol.dispose](): void {
    this.#reservation?.[Symbol.dispose]();
  }
}

/** Blobs that are on their way into the origin, each once. */
export class ColdBlobs implements ColdEntry, AsyncDisposable {
  readonly #o: ColdBlobsOptions;
  readonly #blobs = new Map<Digest, ColdBlob>();
  readonly #providers: ColdProvider[] = [];
  readonly #questions = new SingleFlight<ColdSource | undefined>({ keysMax: questionsMax });
  readonly #rooms = new Map<Digest, Promise<Reservation | undefined>>();
  readonly #stop = new AbortController();

  constructor(options: ColdBlobsOptions) {
    this.#o = options;
  }

  /** Blobs being fetched. */
  get count(): number {
    return this.#blobs.size;
  }

  addProvider(provider: ColdProvider): void {
    this.#providers.push(provider);
  }

  fetch(digest: Digest, source: ColdSource): ColdBlob {
    const running = this.#blobs.get(digest);
    if (running) {
      running.repositories.add(source.repository);
      return running;
    }
    if (this.#stop.signal.aborted) throw new ShoalError('CLOSING', 503, 'the process stops');
    if (this.#blobs.size >= this.#o.activeMax)
      throw new ShoalError(
        'OVERLOADED',
        503,
        `${this.#blobs.size} blobs are being fetched already (fetches.activeMax); try again later`,
      );
    return this.#start(digest, source);
  }

  /** Undefined also when the blob is stored and the repository holds it now. */
  async want(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<ColdBlob | undefined> {
    const { content } = this.#o;
    const known = this.#running(repository, digest);
    if (known) return known;
    const source = await this.#source(repository, digest, signal);
    if (!source) return undefined;
    const room = await this.#room(digest, source);
    try {
      const running = this.#running(repository, digest);
      if (running) return running;
      // Between this question and the fetch nothing may be waited for: who joins a fetch must have been confirmed.
      if (this.#blobs.has(digest) || content.catalog.isLinked(digest)) {
        // It may have come for this repository in the meantime.
        if (await content.catalog.get(repository)?.holds(digest)) return undefined;
        await source.confirm?.();
        // Another repository's source that has nothing to give must not fail those whose own has.
        await this.#blobs.get(digest)?.begins();
        signal.throwIfAborted();
        // What another repository has brought here is not fetched again.
        if (!this.#blobs.has(digest) && (await content.mountBlob(repository, digest, undefined))) return undefined;
      }
      const blob = this.fetch(digest, source);
      if (room) blob.keep(room.move());
      return blob;
    } finally {
      room?.[Symbol.dispose]();
    }
  }

  /** In bytes, of what `want` would fetch, without fetching it; undefined as there, and while nobody knows. @throws as `want` */
  async size(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<number | undefined> {
    const running = this.#running(repository, digest);
    if (running) return running.size;
    const source = await this.#source(repository, digest, signal);
    await source?.confirm?.();
    return source?.size;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new ShoalError('CLOSING', 503, 'the process stops'));
    await Promise.allSettled([...this.#blobs.values()].map(({ done }) => done));
  }

  /** Made once for all who want a blob at the same moment: the first one of them has it. */
  async #room(digest: Digest, { repository, size }: ColdSource): Promise<Room | undefined> {
    if (this.#blobs.has(digest) || this.#o.content.catalog.isLinked(digest)) return undefined;
    const made = this.#rooms.get(digest) ?? this.#o.reserve(repository, size);
    this.#rooms.set(digest, made);
    try {
      const reservation = await made;
      return this.#rooms.get(digest) === made && reservation ? new Room(reservation) : undefined;
    } finally {
      if (this.#rooms.get(digest) === made) this.#rooms.delete(digest);
    }
  }

  #running(repository: RepositoryName, digest: Digest): ColdBlob | undefined {
    const blob = this.#blobs.get(digest);
    return blob?.repositories.has(repository) ? blob : undefined;
  }

  /** Undefined also for what the repository holds. */
  async #source(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<ColdSource | undefined> {
    if (await this.#o.content.catalog.get(repository)?.holds(digest)) return undefined;
    const source = await this.#questions.run(`${repository}@${digest}`, () => this.#find(repository, digest));
    signal.throwIfAborted();
    return source;
  }

  async #find(repository: RepositoryName, digest: Digest): Promise<ColdSource | undefined> {
    for (const provider of this.#providers) {
      const source = await provider.find(repository, digest, this.#stop.signal);
      if (source) return source;
    }
    return undefined;
  }

  #start(digest: Digest, source: ColdSource): ColdBlob {
    const { events } = this.#o;
    const blob = new ColdBlob(digest, source, {
      ...this.#o,
      stop: this.#stop.signal,
      bytesReceived: (bytes) => events.coldReceived(bytes),
    });
    this.#blobs.set(digest, blob);
    events.coldStarted(digest, source.size);
    const ended = (report: () => void) => (): void => {
      this.#blobs.delete(digest);
      report();
    };
    blob.done.then(
      ended(() => events.coldStored(digest, blob.received)),
      (error: unknown) => ended(() => events.coldFailed(digest, error))(),
    );
    return blob;
  }
}
