import type { Digest } from '@shoal/core';
import type { Log, Metrics } from '@shoal/service';

/** Who bytes were sent to: peers over the piece protocol, agents over HTTP, or clients of the registry. */
export type Receiver = 'swarm' | 'http' | 'client';

/** What the gauges read at each scrape. */
export interface OriginGauges {
  readonly blobs: () => number;
  readonly uploadsActive: () => number;
  readonly uploadsOpen: () => number;
  readonly seeding: () => number;
}

/** The one place where something that happens in the origin becomes a metric and a line of the log. */
export class OriginEvents {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #sent;
  readonly #received;
  readonly #cold;
  readonly #coldEnded;
  readonly #requests;
  readonly #pushes;

  constructor(metrics: Metrics, log: Log) {
    this.#log = log;
    this.#metrics = metrics;
    this.#sent = metrics.counter('sent_bytes_total', { help: 'Bytes of content sent, by receiver.', labels: ['to'] });
    this.#received = metrics.counter('received_bytes_total', { help: 'Bytes of content received in pushes.' });
    this.#cold = metrics.counter('fetched_bytes_total', {
      help: 'Bytes of blobs that the origin did not have, as they arrive from where it fetches them.',
    });
    this.#coldEnded = metrics.counter('fetches_total', {
      help: 'Blobs fetched, by outcome.',
      labels: ['outcome'],
    });
    this.#requests = metrics.counter('requests_total', {
      help: 'HTTP requests answered.',
      labels: ['api', 'method', 'status'],
    });
    this.#pushes = metrics.counter('manifests_pushed_total', { help: 'Manifests accepted.' });
    for (const to of ['swarm', 'http', 'client']) this.#sent.inc({ to }, 0);
  }

  watch(gauges: OriginGauges): void {
    this.#metrics.gauge('blobs', { help: 'Blobs and manifests in the store.', collect: gauges.blobs });
    this.#metrics.gauge('uploads_active', { help: 'Request bodies being received.', collect: gauges.uploadsActive });
    this.#metrics.gauge('uploads_open', { help: 'Uploads that are not finished.', collect: gauges.uploadsOpen });
    this.#metrics.gauge('seeding_blobs', { help: 'Blobs open for peers.', collect: gauges.seeding });
  }

  bytesSent(to: Receiver, bytes: number): void {
    this.#sent.inc({ to }, bytes);
  }

  bytesReceived(bytes: number): void {
    this.#received.inc(bytes);
  }

  requestDone(api: string, method: string, status: number): void {
    this.#requests.inc({ api, method, status: String(status) });
  }

  bodyFailed(digest: Digest, error: unknown): void {
    this.#log.warn({ digest, err: error }, 'a body ended short');
  }

  manifestPushed(repository: string, digest: Digest, tags: readonly string[]): void {
    this.#pushes.inc();
    this.#log.info({ repository, digest, tags }, 'manifest pushed');
  }

  manifestDeleted(repository: string, reference: string): void {
    this.#log.info({ repository, reference }, 'manifest deleted');
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
    this.#cold.inc(bytes);
  }

  coldStarted(digest: Digest, size: number | undefined): void {
    this.#log.info({ digest, size }, 'blob is being fetched');
  }

  coldStored(digest: Digest, bytes: number): void {
    this.#coldEnded.inc({ outcome: 'stored' });
    this.#log.info({ digest, bytes }, 'blob fetched');
  }

  coldFailed(digest: Digest, error: unknown): void {
    this.#coldEnded.inc({ outcome: 'failed' });
    this.#log.warn({ digest, err: error }, 'blob could not be fetched; what was received of it is dropped everywhere');
  }

  seedingFailed(digest: Digest, error: unknown): void {
    this.#log.error({ digest, err: error }, 'blob cannot be seeded');
  }
}
