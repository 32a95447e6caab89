import { type Address, type Digest, formatAddress, type PeerId } from '@shoal/core';
import { Exchange, type ExchangeStats, type Seeding as Seed } from '@shoal/exchange';
import type { Sendfile } from '@shoal/transport/sendfile';
import { listening, type Log } from '@shoal/service';
import type { BlobStore, GrowingBlob } from '@shoal/store';
import type { SocketFactory } from '@shoal/transport';
import type { Catalog } from '../catalog/catalog.ts';
import type { OriginConfig } from '../config.ts';
import type { OriginEvents } from '../events.ts';
import { OpenSeeds } from './open-seeds.ts';
import { recordProvider } from './records.ts';
import { seedBlob } from './seed-blob.ts';
import { SwarmIndex } from './swarm-index.ts';

export interface SeedingOptions {
  readonly config: OriginConfig;
  readonly blobs: BlobStore;
  readonly catalog: Catalog;
  readonly peerId: PeerId;
  readonly events: OriginEvents;
  readonly log: Log;
  /** Of piece connections, when they are encrypted. */
  readonly sockets: SocketFactory | undefined;
  readonly sendfile: Sendfile | undefined;
  /** Milliseconds since the epoch. */
  readonly clock: () => number;
}

/** All nodes of a large cluster may dial within the same second; who is turned away fetches by HTTP. */
const handshakesMax = 4096;

/**
 * The origin's side of the swarms. Everything stored can be asked for, and nothing is open before it is: the first
 * JOIN for a blob opens it and starts super-seeding.
 */
export class Seeding implements AsyncDisposable {
  readonly #exchange: Exchange;
  readonly #index: SwarmIndex;
  readonly #seeds: OpenSeeds;
  #closed = false;

  private constructor(exchange: Exchange, index: SwarmIndex, seeds: OpenSeeds) {
    this.#exchange = exchange;
    this.#index = index;
    this.#seeds = seeds;
  }

  /** @throws ListenError */
  static async start({
    config,
    blobs,
    catalog,
    peerId,
    events,
    log,
    clock,
    sockets,
    sendfile,
  }: SeedingOptions): Promise<Seeding> {
    const { pieces, cluster, limits, zone = '' } = config;
    const index = new SwarmIndex((digest) => blobs.metainfo(digest));
    index.load(catalog.linked());
    const exchange = await listening('pieces', pieces, () =>
      Exchange.start({
        identity: {
          peerId,
          incarnation: clock(),
          role: 'origin',
          zone,
          clusterId: cluster.id,
          address: pieces.advertise ? formatAddress(pieces.advertise) : '',
        },
        listen: { host: pieces.host, port: pieces.port },
        ...(sockets && { sockets }),
        sendfile,
        limits: { blobUploadBytesPerSecondMax: limits.blobUploadBytesPerSecondMax },
        transportLimits: { uploadBytesPerSecondMax: limits.uploadBytesPerSecondMax, handshakesMax },
        log,
        events: {
          bytesSent: (_role, bytes) => events.bytesSent('swarm', bytes),
          requestRejected: (reason) => events.pieceRefused(reason),
        },
        records: recordProvider(blobs, catalog),
        resolve: async (swarm) => {
          const digest = await index.find(swarm);
          if (digest !== undefined)
            await seeds.open(digest).catch((error: unknown) => events.seedingFailed(digest, error));
        },
        ...(cluster.secret !== undefined && { secret: cluster.secret }),
      }),
    );
    const seeds = new OpenSeeds(exchange, blobs, config.seeding.openMax);
    return new Seeding(exchange, index, seeds);
  }

  get listening(): boolean {
    return !this.#closed;
  }

  /** Where the piece listener is bound. */
  get address(): Address {
    return this.#exchange.address;
  }

  /** Where agents reach it, as `host:port`. */
  get advertised(): string {
    return this.#exchange.identity.address;
  }

  /** Blobs that are open for peers. */
  get openCount(): number {
    return this.#seeds.size;
  }

  stats(): ExchangeStats {
    return this.#exchange.stats();
  }

  /** Serves a blob that is still being received, as far as it has come. */
  grow(blob: GrowingBlob): Seed {
    const { cut } = blob;
    if (!cut) throw new TypeError(`${blob.digest}: nothing is known of its pieces`);
    return this.#exchange.seed(seedBlob(blob, cut), 'super', { growing: true });
  }

  /** The blob is stored: its swarm stays open like that of any other. */
  adopt(digest: Digest, seed: Seed, blob: GrowingBlob): void {
    const held = blob.retain();
    this.#seeds.adopt(digest, { seed, blob: { close: () => held[Symbol.dispose]() } });
  }

  /** A stored blob can be asked for from now on. */
  add(digest: Digest): Promise<void> {
    return this.#index.add(digest);
  }

  /** The blob is about to be deleted: its swarm is left. */
  async remove(digest: Digest): Promise<void> {
    this.#index.remove(digest);
    await this.#seeds.close(digest);
  }

  /** LEAVEs all swarms, then closes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.#exchange.close();
    await this.#seeds.closeAll();
  }
}
