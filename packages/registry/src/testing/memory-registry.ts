import { createHash } from 'node:crypto';
import { writeSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { type Digest, digestOf, OciError, type RepositoryName } from '@shoal/core';
import type { FastifyInstance } from 'fastify';
import type { BlobSource, ReadableFile } from '../blob-source.ts';
import { type PullOptions, registerPullRoutes } from '../pull.ts';
import type { ReadContext, ReadRegistry, ServedManifest } from '../read-registry.ts';
import type { SendResult } from '../send-blob.ts';
import { createRegistryServer } from '../server.ts';

export const sha256Of = (bytes: Uint8Array): Digest => digestOf('sha256', createHash('sha256').update(bytes).digest());

/** A source whose bytes arrive when the test says so. */
export class ArrivingSource implements BlobSource {
  readonly bytes: Uint8Array;
  closed = 0;
  reads = 0;
  #available: number;
  #failure: Error | undefined;
  #fd: number | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(bytes: Uint8Array, available = bytes.length) {
    this.bytes = bytes;
    this.#available = available;
  }

  get size(): number {
    return this.bytes.length;
  }

  /** Readers that wait for bytes now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  arrive(available: number): void {
    this.#available = available;
    for (const wake of this.#waiting) wake();
  }

  fail(error: Error): void {
    this.#failure = error;
    for (const wake of this.#waiting) wake();
  }

  readInto(buffer: Uint8Array, position: number): number {
    this.reads++;
    const part = this.bytes.subarray(position, Math.min(this.#available, position + buffer.length));
    buffer.set(part);
    return part.length;
  }

  /** The bytes are in a file as well from now on. */
  inFile(fd: number): this {
    writeSync(fd, this.bytes, 0, this.bytes.length, 0);
    this.#fd = fd;
    return this;
  }

  file(position: number, end: number): ReadableFile | undefined {
    const readable = Math.min(end, this.#available);
    if (this.#fd === undefined || readable <= position) return undefined;
    this.reads++;
    return { fd: this.#fd, end: readable };
  }

  async waitFor(offset: number, signal: AbortSignal): Promise<void> {
    while (offset >= this.#available) {
      if (this.#failure) throw this.#failure;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const aborted = (): void => reject(signal.reason as Error);
      signal.throwIfAborted();
      signal.addEventListener('abort', aborted, { once: true });
      this.#waiting.add(resolve);
      try {
        await promise;
      } finally {
        this.#waiting.delete(resolve);
        signal.removeEventListener('abort', aborted);
      }
    }
  }

  close(): void {
    this.closed++;
  }
}

/** A registry of one repository, `team/app`, in memory. */
export class MemoryRegistry implements ReadRegistry {
  readonly blobs = new Map<Digest, BlobSource>();
  readonly manifests = new Map<string, ServedManifest>();
  readonly contexts: ReadContext[] = [];
  tagNames: string[] = [];

  addBlob(source: ArrivingSource): Digest {
    const digest = sha256Of(source.bytes);
    this.blobs.set(digest, source);
    return digest;
  }

  async manifest(...[, reference, context]: Parameters<ReadRegistry['manifest']>): Promise<ServedManifest> {
    this.contexts.push(context);
    const found = this.manifests.get(reference.kind === 'tag' ? reference.tag : reference.digest);
    if (!found) throw new OciError('MANIFEST_UNKNOWN', 'no such manifest');
    return found;
  }

  async blob(_repository: RepositoryName, digest: Digest): Promise<BlobSource> {
    const found = this.blobs.get(digest);
    if (!found) throw new OciError('BLOB_UNKNOWN', 'no such blob');
    return found;
  }

  async tags(...[, { limit = 3, last }]: Parameters<NonNullable<ReadRegistry['tags']>>) {
    const after = this.tagNames.filter((tag) => last === undefined || tag > last);
    return { tags: after.slice(0, limit), more: after.length > limit };
  }
}

export interface PullServer extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly port: number;
  readonly url: string;
  readonly logged: object[];
  readonly sent: SendResult[];
}

/** A pull-only server on a free port. */
export const startPullServer = async (
  registry: ReadRegistry,
  options: Partial<PullOptions> = {},
): Promise<PullServer> => {
  const logged: object[] = [];
  const sent: SendResult[] = [];
  const app = createRegistryServer({ log: { error: (fields) => void logged.push(fields), info: () => undefined } });
  registerPullRoutes(app, registry, {
    firstByteTimeoutMs: 5_000,
    stallTimeoutMs: 5_000,
    blobSent: (_route, result) => void sent.push(result),
    pushRefusedMessage: 'push to http://origin.example:7000',
    ...options,
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  return { app, port, url: `http://127.0.0.1:${port}`, logged, sent, [Symbol.asyncDispose]: () => app.close() };
};
