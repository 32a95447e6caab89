import { folderRoom } from '@shoal/service';
import type { BlobStore } from '@shoal/store';
import type { ColdBlobs } from './cold/cold-blobs.ts';
import type { OriginConfig } from './config.ts';
import type { OriginMetrics } from './metrics.ts';
import type { BlobReceiver } from './push/blob-receiver.ts';
import type { Seeding } from './seeding/seeding.ts';
import type { PulledBlobs } from './upstreams/pulled-blobs.ts';

export interface Watched {
  readonly config: Pick<OriginConfig, 'folder'>;
  readonly blobs: BlobStore;
  readonly receiver: BlobReceiver;
  readonly seeding: Seeding;
  readonly cold: ColdBlobs;
  readonly pulled: Pick<PulledBlobs, 'bytes'>;
}

/** What the gauges of an origin read at each scrape. */
export const watch = (metrics: OriginMetrics, { config, blobs, receiver, seeding, cold, pulled }: Watched): void =>
  metrics.read({
    blobs: () => blobs.count,
    uploadsActive: () => receiver.active,
    uploadsOpen: () => blobs.uploads.count,
    folderFree: async () => (await folderRoom(config.folder)).freeBytes,
    folderSize: async () => (await folderRoom(config.folder)).sizeBytes,
    seeding: () => seeding.openCount,
    links: () => seeding.stats().links,
    pieceUploadsActive: () => seeding.stats().uploadsRunning,
    pieceUploadsWaiting: () => seeding.stats().uploadsWaiting,
    fetchesActive: () => cold.count,
    pulledBytes: () => pulled.bytes,
  });
