import { setTimeout } from 'node:timers/promises';
import { type Digest, parseImageName, parseManifestReference, type RepositoryName, ShoalError } from '@shoal/core';
import { type Command, commandsMax, type CommandState } from '@shoal/protocol';
import type { BlobSource, ReadContext, ReadRegistry } from '@shoal/registry';
import type { PieceCache } from '@shoal/store';
import { descriptorsOf } from '../metainfo/descriptor-book.ts';

export interface PreheaterOptions {
  readonly registry: Pick<ReadRegistry, 'manifest' | 'blob'>;
  readonly cache: Pick<PieceCache, 'get'>;
  /** Of the images of an index, this node's are fetched. */
  readonly platform: { readonly os: string; readonly architecture: string };
  /** A command has ended: the next heartbeat had better be soon. */
  readonly ended: () => void;
}

/** Blobs of an image at once; runtimes that pull meanwhile are not to wait for more. */
const blobsAtOnce = 2;
const bufferBytes = 256 * 1024;
const depthMax = 4;
const attemptsMax = 3;
const retryMs = 2000;
const jobMsMax = 3_600_000;

/** Gets images into the cache that the tracker names, one after the other, and says how far each is. */
export class Preheater {
  readonly #o: PreheaterOptions;
  readonly #states = new Map<string, CommandState>();
  readonly #untold = new Set<string>();
  readonly #stop = new AbortController();
  #queue: Promise<void> = Promise.resolve();

  constructor(o: PreheaterOptions) {
    this.#o = o;
  }

  /** What the next heartbeat tells: commands that run, and those that have ended since the last one that was answered. */
  states(): CommandState[] {
    return [...this.#states.values()].filter(({ id, state }) => state === 'running' || this.#untold.has(id));
  }

  /** A tracker has heard of these. */
  told(states: readonly CommandState[]): void {
    for (const { id, state } of states) if (state !== 'running') this.#untold.delete(id);
  }

  /** Commands come again until a tracker has heard of them, and after it has forgotten: an id is done once. */
  accept(commands: readonly Command[]): void {
    for (const { kind, id, image } of commands) {
      if (kind !== 'preheat' || id === undefined || image === undefined || this.#stop.signal.aborted) continue;
      const known = this.#states.get(id);
      if (known && known.state !== 'running') this.#untold.add(id);
      if (known || !this.#hasRoom()) continue;
      this.#states.set(id, { id, state: 'running' });
      this.#queue = this.#queue.then(() => this.#run(id, image));
    }
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the process stops'));
    await this.#queue;
  }

  /** What ended long ago is forgotten first; the tracker asks again for what does not fit now. */
  #hasRoom(): boolean {
    if (this.#states.size < commandsMax) return true;
    const ended = [...this.#states.values()].find(({ state, id }) => state !== 'running' && !this.#untold.has(id));
    return ended !== undefined && this.#states.delete(ended.id);
  }

  async #run(id: string, image: string): Promise<void> {
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(jobMsMax)]);
    const state = await this.#persist(image, signal).then(
      (bytes): CommandState => ({ id, state: 'done', bytes }),
      (error: unknown): CommandState => ({
        id,
        state: 'failed',
        detail: String((error as Error).message).slice(0, 500),
      }),
    );
    this.#states.set(id, state);
    this.#untold.add(id);
    if (!this.#stop.signal.aborted) this.#o.ended();
  }

  /** Nobody waits for the first byte here, so what passes is waited for; what is there stays. */
  async #persist(image: string, signal: AbortSignal): Promise<number> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#fetch(image, signal);
      } catch (error) {
        const passes = error instanceof ShoalError && error.status === 503;
        if (!passes || attempt >= attemptsMax || signal.aborted) throw error;
        await setTimeout(retryMs * attempt, undefined, { signal });
      }
    }
  }

  /** @returns the bytes of the image */
  async #fetch(image: string, signal: AbortSignal): Promise<number> {
    const { repository, reference } = parseImageName(image);
    const blobs = new Map<Digest, number>();
    let bytes = await this.#collect(repository, reference.kind === 'tag' ? reference.tag : reference.digest, {
      blobs,
      signal,
      depth: 0,
    });
    const left = [...blobs.keys()];
    const work = async (): Promise<void> => {
      for (let digest = left.shift(); digest; digest = left.shift())
        bytes += await this.#blob(repository, digest, signal);
    };
    await Promise.all(Array.from({ length: blobsAtOnce }, work));
    return bytes;
  }

  /** Reads manifests, notes the blobs that they name, and gives the bytes of the manifests. */
  async #collect(
    repository: RepositoryName,
    raw: string,
    o: { readonly blobs: Map<Digest, number>; readonly signal: AbortSignal; readonly depth: number },
  ): Promise<number> {
    const { registry } = this.#o;
    const { bytes, size } = await registry.manifest(repository, parseManifestReference(raw), contextOf(o.signal));
    const manifest = JSON.parse(Buffer.from(bytes ?? new Uint8Array()).toString()) as { manifests?: unknown };
    let total = size;
    if (o.depth >= depthMax) throw new Error(`${repository}: an index within an index, more than ${depthMax} deep`);
    const wanted = new Set(this.#wantedOf(manifest.manifests));
    for (const { digest, size: blobSize, role } of descriptorsOf(manifest)) {
      if (role === 'blob') o.blobs.set(digest, blobSize);
      else if (wanted.has(digest)) total += await this.#collect(repository, digest, { ...o, depth: o.depth + 1 });
    }
    return total;
  }

  #wantedOf(manifests: unknown): string[] {
    if (!Array.isArray(manifests)) return [];
    const { os, architecture } = this.#o.platform;
    const all = manifests as { digest?: string; platform?: { os?: string; architecture?: string } }[];
    const wanted = all.filter(
      ({ platform }) => !platform || (platform.os === os && platform.architecture === architecture),
    );
    if (wanted.length === 0) throw new Error(`the image has no manifest for ${os}/${architecture}`);
    return wanted.flatMap(({ digest }) => digest ?? []);
  }

  /** Reads it as a runtime would: this starts the download, and keeps it going. */
  async #blob(repository: RepositoryName, digest: Digest, signal: AbortSignal): Promise<number> {
    const source = await this.#o.registry.blob(repository, digest, contextOf(signal));
    try {
      await readThrough(source, signal);
    } finally {
      source.close();
    }
    if (this.#o.cache.get(digest)?.complete) return source.size;
    throw new Error(`${digest} (${source.size} bytes) did not fit into the cache`);
  }
}

const readThrough = async (source: BlobSource, signal: AbortSignal): Promise<void> => {
  const buffer = new Uint8Array(bufferBytes);
  for (let position = 0; position < source.size;) {
    await source.waitFor(position, signal);
    position += source.readInto(buffer, position);
  }
};

const contextOf = (signal: AbortSignal): ReadContext => ({
  method: 'GET',
  upstream: undefined,
  authorization: undefined,
  reachedAt: '',
  signal,
});
