import type { Digest } from '@shoal/core';
import type { PieceRefusal } from '@shoal/exchange';
import { type Log, Tally } from '@shoal/service';
import type { GcState } from './gc/schema.ts';
import type { OriginMetrics } from './metrics.ts';

/** Who bytes were sent to: peers over the piece protocol, agents over HTTP, or clients of the registry. */
export type Receiver = 'swarm' | 'http' | 'client';

/** The one place where something that happens in the origin becomes a metric and a line of the log. */
export class OriginEvents {
  readonly #log: Log;
  readonly #m: OriginMetrics['made'];
  readonly #sent: Readonly<Record<Receiver, Tally>>;
  readonly #received: Tally;

  constructor(metrics: OriginMetrics, log: Log) {
    this.#log = log;
    this.#m = metrics.made;
    const { sent, received } = metrics.made;
    const to = (receiver: Receiver): Tally => new Tally(sent, { to: receiver });
    this.#sent = { swarm: to('swarm'), http: to('http'), client: to('client') };
    this.#received = new Tally(received, {});
  }

  bytesSent(to: Receiver, bytes: number): void {
    this.#sent[to].add(bytes);
  }

  bytesReceived(bytes: number): void {
    this.#received.add(bytes);
  }

  requestDone(api: 'registry' | 'control', method: string, status: number, seconds: number): void {
    this.#m.requests.inc({ api, method, status: String(status) });
    this.#m.requestSeconds.observe({ api }, seconds);
  }

  pieceRefused(reason: PieceRefusal): void {
    this.#m.piecesRefused.inc({ reason });
  }

  bodyFailed(digest: Digest, error: unknown): void {
    this.#m.bodiesFailed.inc();
    this.#log.warn({ digest, err: error }, 'a body ended short');
  }

  manifestPushed(repository: string, digest: Digest, tags: readonly string[]): void {
    this.#m.pushes.inc();
    this.#log.info({ repository, digest, tags }, 'manifest pushed');
  }

  manifestDeleted(repository: string, reference: string): void {
    this.#log.info({ repository, reference }, 'manifest deleted');
  }

  gcEnded({ state, dryRun, blobs, manifests, freedBytes, problems, failure, startedMs, endedMs }: GcState): void {
    const figures = { dryRun, blobs, manifests, freedBytes, seconds: ((endedMs ?? startedMs) - startedMs) / 1000 };
    if (state === 'failed') this.#log.error({ ...figures, failure }, 'garbage collection failed');
    else this.#log.info(figures, 'garbage collected');
    if (problems.length > 0) this.#log.error({ problems }, 'garbage collection left repositories as they are');
    if (dryRun) return;
    this.#m.gcRuns.inc({ outcome: state === 'failed' ? 'failed' : 'done' });
    this.#m.gcRemoved.inc({ kind: 'blob' }, blobs);
    this.#m.gcRemoved.inc({ kind: 'manifest' }, manifests);
    this.#m.gcFreedBytes.inc(freedBytes);
    this.#m.gcSkipped.set(problems.length);
    this.#m.gcEnded.set((endedMs ?? startedMs) / 1000);
  }

  contentDropped(digest: Digest): void {
    this.#log.debug({ digest }, 'content dropped: no repository links it any more');
  }

  unlinkedDeleted(count: number): void {
    if (count > 0) this.#log.info({ count }, 'content that no repository links deleted');
  }

  unlinkedFailed(error: unknown): void {
    this.#log.error({ err: error }, 'content that no repository links could not be deleted');
  }

  blobCorrupt(digest: Digest): void {
    this.#m.corrupt.inc();
    this.#log.error({ digest }, 'stored blob no longer matches its digest and was removed; it must be pushed again');
  }

  uploadsExpired(count: number): void {
    if (count > 0) this.#log.info({ count }, 'unfinished uploads expired');
  }

  expiryFailed(error: unknown): void {
    this.#log.error({ err: error }, 'unfinished uploads could not be expired');
  }

  htpasswdInvalid(error: unknown): void {
    this.#log.error({ err: error }, 'htpasswd file could not be read again; the users from before stay');
  }

  coldReceived(bytes: number): void {
    this.#m.fetched.inc(bytes);
  }

  coldStarted(digest: Digest, size: number | undefined): void {
    this.#log.info({ digest, size }, 'blob is being fetched');
  }

  coldStored(digest: Digest, bytes: number): void {
    this.#m.fetches.inc({ outcome: 'stored' });
    this.#log.info({ digest, bytes }, 'blob fetched');
  }

  coldFailed(digest: Digest, error: unknown): void {
    this.#m.fetches.inc({ outcome: 'failed' });
    this.#log.warn({ digest, err: error }, 'blob could not be fetched; what was received of it is dropped everywhere');
  }

  pulledEvicted(digest: Digest, bytes: number): void {
    this.#m.pulledEvictions.inc();
    this.#m.pulledEvictedBytes.inc(bytes);
    this.#log.info({ digest, bytes }, 'blob of another registry evicted');
  }

  pulledTrimFailed(error: unknown): void {
    this.#log.error({ err: error }, 'blobs of other registries could not be evicted');
  }

  seedingFailed(digest: Digest, error: unknown): void {
    this.#log.error({ digest, err: error }, 'blob cannot be seeded');
  }
}
